import Foundation
import PhoneSimulator
import NIOHTTP1
import Synchronization
import TestSupport
import Testing
import Timestamps

/// A phone with the SMSGate app, in this process, as its server sees it.
final class AppPhone: Sendable {
    let shell: SMSGateShell
    let clock: AdjustableClock
    private let seen: Seen

    final class Seen: Sendable {
        let effects = Mutex<[SMSGateApp.Effect]>([])
    }

    /// - Parameters:
    ///   - phone: What it is.
    ///   - transport: Makes its calls.
    ///   - behaviour: Of its radio; what it observes is noted here afterwards.
    ///   - clock: The true time.
    init(
        _ phone: SMSGatePhone, over transport: SMSGateTransport, behaviour: SMSGateShell.Behaviour,
        clock: AdjustableClock = AdjustableClock()
    ) {
        let seen = Seen()
        let observe = behaviour.observe
        var behaviour = behaviour
        behaviour.observe = { effect in
            observe(effect)
            seen.effects.withLock { $0.append(effect) }
        }
        self.seen = seen
        self.clock = clock
        shell = SMSGateShell(phone, over: transport, behaviour: behaviour, clock: clock)
    }

    var app: SMSGateApp { shell.app }

    /// What went to the radio, in order.
    var radio: [SMSGateMessages.Outgoing] {
        seen.effects.withLock { $0 }.compactMap { if case .radio(let outgoing) = $0 { outgoing } else { nil } }
    }

    /// How many calls were cut off.
    var cutOff: Int {
        seen.effects.withLock { $0 }.count { if case .abandon = $0 { true } else { false } }
    }

    var notes: [SMSGateApp.Note] {
        seen.effects.withLock { $0 }.compactMap { if case .note(let note) = $0 { note } else { nil } }
    }

    /// Whether its stream is open; the first one of this process, if it was killed before.
    var isStreaming: Bool {
        notes.contains { if case .streamOpened(let number) = $0 { app.streamNumbers.contains(number) } else { false } }
    }

    /// Ready to send and receive: its stream is open and it has its lists.
    func waitUntilReady() async throws {
        try await until("the phone is ready; it said \(notes)") {
            isStreaming && !app.webhooks.isEmpty && app.settings.order == .fifo
        }
    }
}

/// The real server with a webhook's receiver, for phones with the SMSGate app.
struct DeviceBench: Sendable {
    let installation: Installation
    let client: Client
    let receiver: WebhookReceiver
    let transport: SMSGateTransport

    static let number = Client.owner
    static let second = "+18005550188"
    static let contact = "+18005550100"
    static let one: JSONValue = [["sim": "SIM1", "phone_number": .text(number)]]
    static let two: JSONValue = [
        ["sim": "SIM1", "phone_number": .text(number)], ["sim": "SIM2", "phone_number": .text(second)],
    ]
    private static let events = [
        "message.phone.received", "message.phone.sent", "message.phone.delivered", "message.send.failed",
        "message.send.expired", "phone.heartbeat.online", "phone.heartbeat.offline",
    ]

    /// Runs `body` beside a server whose port stays the same.
    static func run(
        _ settings: [String: String] = [:], _ body: @escaping @Sendable (DeviceBench) async throws -> Void
    ) async throws {
        let port = try freePort()
        let settings = settings.merging(["HTTP_PORT": "\(port)", "APP_URL": "http://127.0.0.1:\(port)"]) { mine, _ in
            mine
        }
        try await SMSGateTransport.with { transport in
            try await withReceiver { receiver in
                try await withInstallation(settings) { installation in
                    let client = Client(installation: installation)
                    // As fast as it goes; a phone's settings stay when it is paired.
                    try await client.setUp(phone: ["messages_per_minute": 0])
                    try await client.call(
                        .PUT, "/v1/phones/fcm-token",
                        ["phone_number": .text(second), "fcm_token": "", "sim": "SIM2"])
                    let bench = DeviceBench(
                        installation: installation, client: client, receiver: receiver, transport: transport)
                    try await client.call(
                        .POST, "/v1/webhooks",
                        [
                            "url": .text(receiver.baseURL + "/hook"), "signing_key": .text(Client.signingKey),
                            "events": .array(events.map { .text($0) }),
                            "phone_numbers": [.text(number), .text(second)],
                        ])
                    try await body(bench)
                }
            }
        }
    }

    /// Code, private token and URL for a phone.
    func pairing(_ numbers: JSONValue = one) async throws -> JSONValue {
        try await client.call(.POST, "/v1/devices/pairings", ["numbers": numbers])
    }

    /// Registers a phone by hand; gives its id and what it calls the API with.
    func registered(_ numbers: JSONValue = one) async throws -> (id: JSONValue, token: String) {
        let pairing = try await pairing(numbers)
        let answer = try await mobile("POST", "/device", "Code \(pairing["code"].text ?? "")", ["name": "a"])
        return (answer.body["id"], "Bearer \(answer.body["token"].text ?? "")")
    }

    /// Runs `body` beside a phone that was paired by code and is ready.
    func paired(
        _ numbers: JSONValue = one, behaviour: SMSGateShell.Behaviour = quick,
        _ change: (inout SMSGatePhone) -> Void = { _ in }, _ body: @escaping @Sendable (AppPhone) async throws -> Void
    ) async throws {
        let pairing = try await pairing(numbers)
        try await phone(pairing, behaviour: behaviour, change) { phone in
            phone.shell.happen(.enterCode(pairing["code"].text ?? ""))
            try await phone.waitUntilReady()
            try await body(phone)
        }
    }

    /// Runs `body` beside a phone with a fresh app that has nothing but the URL.
    func phone(
        _ pairing: JSONValue, behaviour: SMSGateShell.Behaviour = quick,
        _ change: (inout SMSGatePhone) -> Void = { _ in },
        _ body: @escaping @Sendable (AppPhone) async throws -> Void
    ) async throws {
        var model = SMSGatePhone(url: pairing["url"].text ?? "")
        change(&model)
        let phone = AppPhone(model, over: transport, behaviour: behaviour)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await phone.shell.run() }
            try await body(phone)
            group.cancelAll()
        }
    }

    /// A radio that takes no time.
    static let quick: SMSGateShell.Behaviour = {
        var behaviour = SMSGateShell.Behaviour()
        (behaviour.latency, behaviour.pulse) = (.milliseconds(20), .milliseconds(10))
        return behaviour
    }()

    /// Sends a message and gives its id.
    func send(_ content: String = "Hi", from owner: String = number) async throws -> String {
        let draft: JSONValue = ["from": .text(owner), "to": .text(Self.contact), "content": .text(content)]
        return try #require(try await client.call(.POST, "/v1/messages/send", draft)["id"].text)
    }

    func status(_ id: String) async throws -> String {
        try await client.call(.GET, "/v1/messages/\(id)")["status"].text ?? ""
    }

    func wait(_ id: String, is status: String) async throws {
        var last = ""
        try await until("message \(id) is \(status), but \(last)") {
            last = try await self.status(id)
            return last == status
        }
    }

    /// Types of the events about a message, in the order in which they came.
    func events(of id: String) -> [String] {
        receiver.arrivals.filter { $0.messageID == id || $0.event["data"]["id"] == .text(id) }.map(\.type)
    }

    /// Calls the API that the app calls, by hand.
    func mobile(
        _ method: String, _ path: String, _ authorization: String?, _ body: JSONValue? = nil, version: String = "1.68.0"
    ) async throws -> Client.Answer {
        let headers =
            [("User-Agent", "me.capcom.smsgateway/\(version)")] + (authorization.map { [("Authorization", $0)] } ?? [])
        return try await Client.send(
            HTTPMethod(rawValue: method), installation.baseURL + "/api/mobile/v1" + path, body, headers: headers)
    }
}
