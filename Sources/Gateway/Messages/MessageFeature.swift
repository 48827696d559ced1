import ServiceLifecycle
import Storage

/// Messages, outgoing and incoming, and what phones report of them.
package struct MessageFeature: Feature {
    static let migrations = MessageMigrations.all
    /// What can be done with messages.
    package let operations: MessageOperations
    private let ground: Ground
    private let callbacks: CallbackOperations
    let inbound: InboundOperations

    /// - Parameters:
    ///   - ground: What all features stand on.
    ///   - attachments: Where the files of inbound SMS are kept.
    ///   - callbacks: Where messages have their events sent.
    ///   - appURL: What links to files begin with, by what a trusted proxy told.
    init(
        _ ground: Ground, attachments: AttachmentStorage, callbacks: CallbackOperations,
        appURL: @escaping @Sendable (_ told: String?) -> String
    ) {
        self.ground = ground
        self.callbacks = callbacks
        operations = MessageOperations(
            store: ground.store, quotas: ground.quotas, clock: ground.clock, clocks: ground.clocks,
            pushes: ground.settings.pushes)
        inbound = InboundOperations(
            store: ground.store, attachments: attachments, quotas: ground.quotas, clock: ground.clock, appURL: appURL)
    }

    func add(to routes: APIRoutes) {
        PhoneMessageRoutes(operations: operations, inbound: inbound).add(
            to: routes.phones, receiving: routes.phones(limit: PhoneMessageRoutes.receiveLimit))
        MessageRoutes(
            store: ground.store, operations: operations, callbacks: callbacks, clock: ground.clock
        ).add(to: routes.users)
    }

    var services: [any Service] {
        [
            ground.sweep("message", on: .messages) { tx in
                try operations.handOutAndExpire(unreadable: ground.unreadable, in: tx)
            }
        ]
    }
}
