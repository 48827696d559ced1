import Delivery
import Storage
import Timestamps

/// How a phone is told that a message waits for it, as far as the server can know.
///
/// | the number has | the server pushes to it | it does not |
/// |---|---|---|
/// | a device with the SMSGate app | stream or poll | stream or poll |
/// | a token that a service gave | the service | never, unless it asked for messages lately |
/// | a token of another kind | the service | asks |
/// | no token, but it logged in without one, or has a phone key or heartbeats | never | asks |
/// | nothing | never | never, unless it asked for messages lately |
///
/// The httpSMS app is woken by Firebase and never asks by itself, whatever else it does. What asks is a program of the account's
/// own, which learned the message's id where it was sent.
package enum PhoneReach: Sendable, Hashable {
    /// A push wakes the app.
    case push(PushKind)
    /// Pushes fail for this reason; they are tried for each message all the same.
    case troubled(PushKind, String)
    /// The SMSGate app keeps a connection open.
    case stream
    /// The SMSGate app asks every 15 minutes only: it opened no connection.
    case poll
    /// Nothing tells it, as the service that would is not set up, but it may ask.
    case asks(PushKind)
    /// Nothing tells it, and it does not ask.
    case never(Lack)

    /// What a phone lacks that can never be told.
    package enum Lack: Sendable, Hashable {
        /// No app has logged in.
        case app
        /// No token, where the server pushes; it had one, if there is a reason.
        case token(PhoneID, String?)
        /// The app listens to a service that the server cannot push through.
        case service(PushKind)
        /// It was told once, and why it is no more.
        case lost(String)

        /// Why a message fails.
        var reason: String {
            switch self {
            case .app: "No app has logged in for this number, so nothing can tell it of the message. Connect a phone."
            // As httpSMS words it (phone_notification_service.go:131).
            case .token(let id, _): "phone with id [\(id)] has no FCM token"
            case .service(let kind):
                "Nothing tells the phone of messages: its app listens to \(kind.name) only, and \(kind.missing). \(kind.remedy)"
            case .lost(let reason): reason
            }
        }
    }

    /// Reads how `phone` is told by a server whose pushes these services take.
    package init(of phone: Phone, pushes: Set<PushKind>, in tx: any Transaction) throws {
        let opensStream = try phone.deviceID.map { try PhoneDeviceQueries.opensStream($0, in: tx) }
        self.init(
            phone, opensStream: opensStream, lack: try Self.lack(of: phone, pushes: pushes, in: tx), pushes: pushes)
    }

    private init(_ phone: Phone, opensStream: Bool?, lack: Lack?, pushes: Set<PushKind>) {
        if let lack {
            self = .never(lack)
        } else if let opensStream {
            self = opensStream ? .stream : .poll
        } else if case .push(let address) = phone.transport {
            let told = phone.pushError.map { PhoneReach.troubled(address.kind, $0) } ?? .push(address.kind)
            self = pushes.contains(address.kind) ? told : .asks(address.kind)
        } else {
            // What the httpSMS app would be told by.
            self = .asks(.firebase)
        }
    }

    /// Why a phone can never be told; nil when it can, or may ask. Indexes: the keys of `phone_api_key_phone` and `presence`.
    static func lack(of phone: Phone, pushes: Set<PushKind>, in tx: any Transaction) throws -> Lack? {
        switch phone.transport {
        // It has a reason only when its tokens were ended.
        case .device: return phone.pushError.map(Lack.lost)
        case .push(let address):
            if pushes.contains(address.kind) || asksByItself(phone, at: tx.now) { return nil }
            return address.isOfService ? .service(address.kind) : nil
        // The httpSMS app would have given one.
        case .none where pushes.contains(.firebase): return .token(phone.id, phone.pushError)
        case .none:
            if asksByItself(phone, at: tx.now) { return nil }
            if let error = phone.pushError { return .lost(error) }
            let isSomebodys =
                try PhoneAPIKeyQueries.holder(of: phone.id, in: tx) != nil
                || !HeartbeatQueries.presences(of: [phone.id], in: tx).isEmpty
            return isSomebodys ? nil : .app
        }
    }

    private static func asksByItself(_ phone: Phone, at now: Timestamp) -> Bool {
        phone.askedAt.map { now - $0 < memory } ?? false
    }

    /// How long it counts that a phone asked: a program that is not sent to for a month is tried in vain once.
    static let memory: Duration = .seconds(30 * 86_400)
}

extension PhoneReach {
    /// What to do next, and where.
    package struct Step: Sendable, Hashable {
        let text: String
        let path: String
    }

    /// How a phone is told, in one sentence.
    package var sentence: String {
        switch self {
        case .push(let kind): "It is told of messages through \(kind.name)."
        case .troubled(_, let reason): reason
        case .stream: "It is told of messages at once, by a connection that it keeps open."
        case .poll: "It hears of messages every 15 minutes only: it has not opened its connection."
        case .asks(let kind): "Nothing wakes it: \(kind.missing). It sends what it asks for by itself."
        case .never(.token(_, let reason?)), .never(.lost(let reason)): reason
        case .never(.app), .never(.token):
            "It learns of no outgoing message: no app has logged in for this number."
        case .never(.service(let kind)):
            "It learns of no outgoing message: its app listens to \(kind.name) only, and \(kind.missing)."
        }
    }

    /// The one thing to do about it; nil when all is well.
    package var step: Step? {
        switch self {
        case .push, .stream: nil
        case .troubled(let kind, _): Step(text: "What \(kind.name)'s answers mean", path: kind.helpPath)
        case .poll:
            Step(text: "Set its notification channel to SSE Only", path: "/docs/phones#when-something-is-missing")
        case .asks, .never(.service): Step(text: "Connect it with the SMSGate app", path: "/phones/new")
        case .never: Step(text: "Connect a phone", path: "/phones/new")
        }
    }

    /// How bad it is, as a class of the style sheet.
    package var kind: String {
        switch self {
        case .push, .stream: "good"
        case .poll, .asks: "warning"
        case .troubled, .never: "problem"
        }
    }
}
