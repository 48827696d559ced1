import Foundation
import ServiceLifecycle
import Storage

/// The files of inbound SMS.
struct AttachmentFeature: Feature {
    static let migrations = AttachmentMigrations.all
    let storage: AttachmentStorage
    private let ground: Ground
    private let folder: AttachmentFolder?

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - folder: The folder for files; nil keeps them in the store.
    init(_ ground: Ground, folder: String?) {
        self.ground = ground
        self.folder = folder.map { AttachmentFolder(URL(fileURLWithPath: $0)) }
        storage = self.folder.map(AttachmentStorage.folder) ?? .database
    }

    func add(to routes: APIRoutes) {
        AttachmentRoutes(store: ground.store, storage: storage).add(to: routes.open)
    }

    var services: [any Service] {
        folder.map { [AttachmentSweep(store: ground.store, folder: $0, logger: ground.logger)] } ?? []
    }
}
