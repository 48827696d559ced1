import Foundation
import ServiceLifecycle
import Storage

/// The files of inbound SMS.
struct AttachmentFeature: Feature {
    static let migrations = AttachmentMigrations.all
    let storage: AttachmentStorage
    private let ground: Ground
    /// Looks at the folder; nil where the database keeps all files.
    let watch: AttachmentFolderWatch?
    private let folder: AttachmentFolder?

    init(_ ground: Ground) {
        self.ground = ground
        folder = ground.settings.filesFolder.map { AttachmentFolder(URL(fileURLWithPath: $0), of: ground.storeID) }
        watch = folder.map { AttachmentFolderWatch($0, clock: ground.clock, logger: ground.logger) }
        storage = folder.map(AttachmentStorage.folder) ?? .database
    }

    func add(to routes: APIRoutes) {
        AttachmentRoutes(store: ground.store, storage: storage).add(to: routes.open)
    }

    /// What `machine` knows, and what is known of the folder.
    func health(beside machine: @escaping @Sendable () -> ServerHealth) -> @Sendable () -> ServerHealth {
        { [watch] in
            var health = machine()
            health.filesTrouble = watch?.trouble
            health.freeBytesOfFiles = watch?.freeBytes
            return health
        }
    }

    var services: [any Service] {
        guard let path = ground.settings.filesFolder, let folder, let watch else { return [] }
        return [
            AttachmentSweep(
                store: ground.store, folder: folder, owner: AttachmentOwner(URL(fileURLWithPath: path)),
                clock: ground.clock, logger: ground.logger),
            watch,
        ]
    }
}
