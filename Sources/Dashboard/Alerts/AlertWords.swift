import Gateway

/// How the pages speak of alerts.
extension AlertCause {
    /// Whether it is about the server itself, of which only its owner hears.
    private var isOfServer: Bool { [.diskLow, .certificateExpires, .clockStep].contains(self) }

    /// Those that an account hears of.
    ///
    /// - Parameter ofServer: Whether it owns the server.
    /// - Returns: Them in the order in which pages list them.
    static func all(ofServer: Bool) -> [AlertCause] { allCases.filter { !$0.isOfServer || ofServer } }

    /// What is wrong, where the page says with what.
    var words: String {
        switch self {
        case .webhookFailing: "A webhook fails"
        case .webhookDisabled: "A webhook was stopped"
        case .deliveryFailed: "Deliveries were given up"
        case .phoneOffline: "A phone is offline"
        case .messageFailed: "SMS were not sent"
        case .queueOld: "Events are late"
        case .diskLow: "The disk of the server is nearly full"
        case .certificateExpires: "The certificate of the server ends soon"
        case .clockStep: "The clock of the server was set"
        }
    }

    /// When it is told.
    var sentence: String {
        switch self {
        case .webhookFailing: "A webhook has taken nothing for 10 minutes."
        case .webhookDisabled: "A webhook was stopped because its receiver is gone, or failed for 5 days."
        case .deliveryFailed: "Deliveries were given up at a webhook that takes others."
        case .phoneOffline: "A phone was not heard for an hour, or as long as this server waits."
        case .messageFailed: "Five SMS or more of the last hour were not sent."
        case .queueOld: "Events have waited for 5 minutes though the webhooks work."
        case .diskLow: "The disk of the server has less than 1 GiB left."
        case .certificateExpires: "The certificate of the server ends within 14 days."
        case .clockStep: "The clock of the server was set by more than an hour."
        }
    }
}
