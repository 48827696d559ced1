import Foundation
import ServiceLifecycle
import Storage

/// The files of inbound SMS.
struct AttachmentFeature: Feature {
    static let migrations = AttachmentMigrations.all
    let storage: AttachmentStorage
    private let ground: Ground
    private let folder: AttachmentFolder?

    init(_ ground: Ground) {
        self.ground = ground
        folder = ground.settings.filesFolder.map { AttachmentFolder(URL(fileURLWithPath: $0)) }
        storage = folder.map(AttachmentStorage.folder) ?? .database
    }

    func add(to routes: APIRoutes) {
        AttachmentRoutes(store: ground.store, storage: storage).add(to: routes.open)
    }

    var services: [any Service] {
        guard let path = ground.settings.filesFolder, let folder else { return [] }
        return [
            AttachmentSweep(
                store: ground.store, folder: folder, owner: AttachmentOwner(URL(fileURLWithPath: path)),
                clock: ground.clock, logger: ground.logger)
        ]
    }
}
