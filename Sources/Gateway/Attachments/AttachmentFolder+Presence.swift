import Foundation
import Storage

extension AttachmentFolder {
    /// Makes sure that what is at the path is the folder of the store, and not the empty one that shows where its disk is
    /// mounted while that is away. Blocks.
    ///
    /// The file `store-id` tells, which a server writes when it starts: numbers of devices and inodes do not outlive every
    /// mount, and a descriptor that is held would keep the disk from being unmounted.
    ///
    /// - Throws: ``SystemFailure``, or `StorageError.unavailable` in words.
    func checkIsThere() throws {
        if let code = DurableFile.absence(of: folder.path + "/.") { throw SystemFailure(code: code) }
        guard let storeID else { return }
        let file = StoreIDFile(in: folder)
        let found = try file.id()
        if found == storeID { return health.seen() }
        throw StorageError.unavailable(
            found == nil
                ? """
                the folder that is there has no file store-id, so it is not this store's. Mount its disk again; if the files \
                are lost for good, create an empty file store-id in it
                """
                : "the folder that is there is another store's, as its file store-id says. Mount the disk of this store's again"
        )
    }
}
