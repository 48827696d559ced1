import Delivery
import Secrets
import ServiceLifecycle
import Storage

/// Every feature, made in the order in which one needs another.
package struct Features: Sendable {
    /// What the operator says.
    package let settings: SettingValues

    /// Accounts.
    package let users: UserFeature
    /// Keys of phones.
    package let phoneAPIKeys: PhoneAPIKeyFeature
    /// Phones and their numbers.
    package let phones: PhoneFeature
    /// SMS, one at a time.
    package let messages: MessageFeature
    /// SMS by the file.
    package let bulkMessages: BulkMessageFeature
    /// At which hours SMS are sent.
    package let sendSchedules: SendScheduleFeature
    /// Webhooks, their events and deliveries.
    package let webhooks: WebhookFeature
    /// URLs that messages name for their own events.
    package let callbacks: CallbackFeature
    let attachments: AttachmentFeature
    /// What tells an account that something is wrong.
    package let alerts: AlertFeature
    /// Events as they happen.
    package let events: EventFeature
    /// Apps that hand on what a phone receives.
    package let forwarders: ForwarderFeature
    /// Requests that are made once, however often they are sent.
    package let requests: RequestFeature
    /// Phones with the SMSGate app.
    package let devices: DeviceFeature
    /// What needs somebody.
    package let attention: AttentionFeature
    /// Names and numbers of people.
    package let contacts: ContactFeature
    /// Conversations.
    package let threads: MessageThreadFeature
    /// Texts to use again.
    package let savedTexts: SavedTextFeature
    /// Keys of programs.
    package let accessKeys: AccessKeyFeature
    /// A receiver on the server itself.
    package let playground: PlaygroundFeature
    /// The log of changes.
    package let audit: AuditFeature
    /// In the order in which they start.
    let all: [any Feature]

    /// Their tables, in the order in which they are made.
    package static let migrations: [Migration] = types.flatMap { $0.migrations }

    /// Their tables with sealed values.
    package static let sealed: [SealedTable] = types.flatMap { $0.sealed }

    private static let types: [any Feature.Type] = [
        UserFeature.self, PhoneFeature.self, PhoneAPIKeyFeature.self, HeartbeatFeature.self, MessageFeature.self,
        AttachmentFeature.self, PushFeature.self, SendScheduleFeature.self, MessageThreadFeature.self,
        RequestFeature.self, BulkMessageFeature.self, UserErasureFeature.self, AccessFeature.self, WebhookFeature.self,
        EventFeature.self, SearchFeature.self, ForwarderFeature.self, DeviceFeature.self,
        AttentionFeature.self, ContactFeature.self, CallbackFeature.self, AlertFeature.self,
        AccessKeyFeature.self, PlaygroundFeature.self, AuditFeature.self, SavedTextFeature.self,
    ]

    /// - Parameters:
    ///   - ground: What all stand on.
    ///   - uploads: Where files are read, accounts in turn.
    ///   - runner: Makes attempts of deliveries.
    ///   - resolver: Looks up the hosts of callback URLs.
    ///   - policy: Which addresses a callback URL may have.
    ///   - operatorSender: Makes what reaches servers that the operator names.
    ///   - health: What is known of the machine.
    ///   - appURL: What links that are handed out begin with, by what a trusted proxy told.
    package init(
        _ ground: Ground, uploads: UploadQueue, runner: AttemptRunner, resolver: SystemResolver, policy: AddressPolicy,
        operatorSender: @escaping @Sendable () -> HTTPSender,
        health: @escaping @Sendable () -> ServerHealth,
        appURL: @escaping @Sendable (_ told: String?) -> String
    ) {
        settings = ground.settings
        attachments = AttachmentFeature(ground)
        users = UserFeature(ground)
        phoneAPIKeys = PhoneAPIKeyFeature(ground)
        phones = PhoneFeature(ground)
        let vetting = AddressVetting(resolver: resolver, policy: policy)
        callbacks = CallbackFeature(ground, vetting: vetting)
        messages = MessageFeature(
            ground, attachments: attachments.storage, callbacks: callbacks.operations, appURL: appURL)
        bulkMessages = BulkMessageFeature(
            ground, users: users.operations, callbacks: callbacks.operations, uploads: uploads)
        sendSchedules = SendScheduleFeature(ground)
        webhooks = WebhookFeature(ground, runner: runner, vetting: vetting)
        events = EventFeature(ground)
        forwarders = ForwarderFeature(ground, inbound: messages.inbound)
        requests = RequestFeature(ground)
        let heartbeats = HeartbeatFeature(ground)
        devices = DeviceFeature(
            ground, inbound: messages.inbound, heartbeats: heartbeats.operations, appURL: appURL)
        attention = AttentionFeature(ground)
        contacts = ContactFeature(ground)
        threads = MessageThreadFeature(ground)
        savedTexts = SavedTextFeature(ground)
        alerts = AlertFeature(
            ground, attention: attention.queries, vetting: vetting, health: attachments.health(beside: health),
            resolver: resolver)
        accessKeys = AccessKeyFeature(ground)
        playground = PlaygroundFeature(ground, receiver: policy.ownReceiver)
        audit = AuditFeature(ground)
        all = [
            PushFeature(ground, sender: operatorSender), attachments, requests,
            AccessFeature(logger: ground.logger) { appURL(nil) }, users, phoneAPIKeys, phones, heartbeats,
            messages, bulkMessages, sendSchedules, threads, webhooks, events,
            forwarders, devices, attention, contacts, savedTexts, callbacks, alerts, accessKeys,
            playground, audit,
            UserErasureFeature(ground: ground), SearchFeature(ground: ground),
        ]
    }

    /// What they do without being asked, in the order in which it starts.
    package var services: [any Service] {
        get async throws {
            var services: [any Service] = []
            for feature in all { services += try await feature.services }
            return services
        }
    }

    /// What they delete when its time is over.
    package var pruners: [Upkeep.Pruner] { all.flatMap(\.pruners) }
}
