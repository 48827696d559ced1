import CLibZip
import Foundation

/// Reads the entries of a ZIP archive in memory, and no more than a bounded number of bytes of it.
final class XLSXArchive {
    private let archive: OpaquePointer
    /// What the entries may still inflate to.
    private var budget: Int

    /// Opens `bytes`, of which at most `limit` bytes may come out in all.
    init?(_ bytes: Data, limit: Int) {
        // libzip frees the buffer with free(), so it gets a copy that malloc() made.
        guard !bytes.isEmpty, let copy = malloc(bytes.count) else { return nil }
        bytes.copyBytes(to: copy.assumingMemoryBound(to: UInt8.self), count: bytes.count)
        guard let source = zip_source_buffer_create(copy, zip_uint64_t(bytes.count), 1, nil) else {
            free(copy)
            return nil
        }
        guard let archive = zip_open_from_source(source, Int32(ZIP_RDONLY), nil) else {
            zip_source_free(source)
            return nil
        }
        self.archive = archive
        budget = limit
    }

    deinit {
        zip_discard(archive)
    }

    /// The entry `name`; nil when there is none.
    ///
    /// - Throws: ``TooLarge`` when it inflates to more than is left of the limit, ``Damaged``.
    func entry(_ name: String) throws -> Data? {
        guard let file = zip_fopen(archive, name, zip_flags_t(ZIP_FL_NOCASE)) else { return nil }
        defer { zip_fclose(file) }
        var data = Data()
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            // What the archive says of its sizes may be a lie: what counts is what comes out.
            let count = Int(zip_fread(file, &chunk, zip_uint64_t(chunk.count)))
            if count < 0 { throw Damaged() }
            if count == 0 { return data }
            budget -= count
            if budget < 0 { throw TooLarge() }
            data.append(contentsOf: chunk[..<count])
        }
    }

    /// The entries inflate to more than is allowed.
    struct TooLarge: Error {}

    /// The archive does not hold what it says.
    struct Damaged: Error {}
}
