import Foundation
import Gateway
import Storage

extension Commands {
    /// Whether the folder of attachments is this store's; nothing when it is, or there is none.
    static func attachmentOwner(_ configuration: GatewayConfiguration, _ store: any Store) async -> [Finding] {
        guard let folder = configuration.filesFolder else { return [] }
        let owner = AttachmentOwner(URL(fileURLWithPath: folder))
        do {
            let finding = try await owner.look(in: store)
            guard let problem = owner.problem(finding) else { return [] }
            return [.problem("attachments", problem)]
        } catch {
            return [.problem("attachments", "\(error)")]
        }
    }
}
