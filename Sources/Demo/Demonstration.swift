import Delivery
import Foundation
import Gateway
import HTTPSMSWebhooks
import JSON
import Logging
import NIOHTTP1
import PhoneSimulator
import Secrets
import Server
import Storage
import Timestamps
import Wire

/// `httpsms demo`: the real server with simulated phones on one side and a verifying receiver on the other.
///
/// What takes an hour in life is reached through the same code with shorter settings: a phone is offline after 2 s, a
/// message expires after 1 s.
struct Demonstration {
    private let configuration: GatewayConfiguration
    private let once: Bool
    private let clock = SystemClock()
    private let logger = Logger(label: "httpsms")

    /// Takes the configuration and what the demonstration must change in it.
    ///
    /// - Throws: ``ConfigurationError`` when others could reach it: its receiver is on loopback, which it must allow.
    init(_ configuration: GatewayConfiguration, once: Bool) throws {
        let isLoopback = ["localhost", "::1"].contains(configuration.host) || configuration.host.hasPrefix("127.")
        guard isLoopback else {
            throw ConfigurationError(variable: "HTTP_HOST", expected: "an address of loopback for the demonstration")
        }
        var configuration = configuration
        configuration.settings.allowedNetworks.append(try Network("127.0.0.0/8"))
        // Its own client trusts public authorities only.
        configuration.tls = nil
        configuration.settings.offlineAfter = .seconds(2)
        configuration.settings.minimumExpiration = .seconds(1)
        self.configuration = configuration
        self.once = once
    }

    /// Why the demonstration did not come to its end.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs until every event came (`once`), or until it is stopped.
    func run() async throws {
        say("httpsms \(ServerVersion.current): starting the server on \(configuration.storeName)")
        let receiver = DemonstrationReceiver(signingKey: "demo-signing-key")
        let endpoint = PushEndpoint()
        let (receiverURLs, foundReceiver) = AsyncStream.makeStream(of: String.self)
        let (pushURLs, foundEndpoint) = AsyncStream.makeStream(of: String.self)
        let (phones, foundPhone) = AsyncStream.makeStream(of: SimulatedPhone.self)
        let (devices, foundDevice) = AsyncStream.makeStream(of: SMSGateSimulator.Settings.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await receiver.run { foundReceiver.yield($0) } }
            group.addTask { try await endpoint.run { foundEndpoint.yield($0) } }
            group.addTask { for await phone in phones { await phone.answer(endpoint.arrivals) } }
            group.addTask { for await device in devices { try await SMSGateSimulator(device) { _ in }.run() } }
            group.addTask {
                var (receiverURLs, pushURLs) = (receiverURLs.makeAsyncIterator(), pushURLs.makeAsyncIterator())
                guard let receiverURL = await receiverURLs.next(), let pushURL = await pushURLs.next() else { return }
                var configuration = configuration
                configuration.settings.firebaseCredentials = nil
                configuration.settings.firebaseEndpoint = pushURL
                let server = try await GatewayServer(configuration, logger: logger)
                let user = try await demoUser(server.users)
                try await server.run(logger: logger) { baseURL in
                    let client = DemonstrationClient(baseURL: baseURL, apiKey: user.apiKey.exposed)
                    let key = try await phoneKey(client)
                    let phone = simulatedPhone(baseURL: baseURL, key: key)
                    try await phone.register(token: endpoint.token)
                    foundPhone.yield(phone)
                    try await setUp(client, receiverURL: receiverURL)
                    try await show(client, phone, receiver)
                    let time = try await sendThroughSMSGate(client) { foundDevice.yield($0) }
                    say(
                        "A second phone, with the SMSGate app: paired, sent and delivered without Firebase in \(milliseconds(time))."
                    )
                    if !once {
                        explain(client, phoneKey: key, password: try await newPassword(of: user, server.users))
                    }
                    return once
                }
            }
            try await group.next()
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
    }

    private func demoUser(_ users: UserOperations) async throws -> User {
        let id = UserID("demo")
        if let user = try await users.find(id) { return user }
        return try await users.create(email: "demo@example.com", id: id.text, apiKey: nil, password: nil)
    }

    /// A password for the dashboard, another at each start: only the hash of the last one is stored.
    private func newPassword(of user: User, _ users: UserOperations) async throws -> String {
        let password = String(RandomToken.make().prefix(20))
        try await users.setPassword(password, email: user.email)
        return password
    }

    private static let phoneNumber = "+18005550199"
    static let contact = "+18005550100"

    /// A key of the phone's own; that of an earlier run is used again.
    private func phoneKey(_ client: DemonstrationClient) async throws -> String {
        let keys = try await client.call(.GET, "/v1/phone-api-keys")["data"] as? [[String: Any]] ?? []
        if let key = keys.first?["api_key"] as? String { return key }
        let key = try await client.call(.POST, "/v1/phone-api-keys", ["name": "demo phone"])["data"] as? [String: Any]
        guard let text = key?["api_key"] as? String else {
            throw Failure(description: "the server gave no phone API key")
        }
        return text
    }

    private static let unsendable = "This one cannot be sent."
    private static let forgotten = "The phone says nothing about this one."

    private func simulatedPhone(baseURL: String, key: String) -> SimulatedPhone {
        let api = PhoneAPI(baseURL: baseURL, apiKey: Secret(key), number: Self.phoneNumber, sim: .sim1)
        let behaviour = SimulatedPhone.Behaviour(latency: .zero) { message in
            switch message.content {
            case Self.unsendable: .failed(reason: "NO_SERVICE")
            case Self.forgotten: .forgotten
            default: .delivered
            }
        }
        return SimulatedPhone(api, behaviour: behaviour, journal: PhoneJournal { _ in })
    }

    /// Sets the phone up, and points the demonstration's one webhook at the receiver.
    private func setUp(_ client: DemonstrationClient, receiverURL: String) async throws {
        try await client.call(.PUT, "/v1/phones", PhoneSettings(number: Self.phoneNumber, expirationSeconds: 600))
        let webhook = WebhookSettings(url: receiverURL, signingKey: "demo-signing-key", number: Self.phoneNumber)
        let webhooks = try await client.call(.GET, "/v1/webhooks")["data"] as? [[String: Any]] ?? []
        let existing = webhooks.first { $0["signing_key"] as? String == "demo-signing-key" }
        if let id = existing?["id"] as? String {
            try await client.call(.PUT, "/v1/webhooks/\(id)", webhook)
        } else {
            try await client.call(.POST, "/v1/webhooks", webhook)
        }
    }

    /// Makes every event happen, and waits for it.
    private func show(
        _ client: DemonstrationClient, _ phone: SimulatedPhone, _ receiver: DemonstrationReceiver
    ) async throws {
        say("\(pad("event", 26))\(pad("id", 38))\(pad("latency", 13))signature and CloudEvent")
        try await expect(.messageReceived, receiver) { await phone.receive("Hello!", from: Self.contact) }
        try await expect(.callMissed, receiver) { await phone.missCall(from: Self.contact) }
        let start = clock.now()
        try await expect(.messageSent, receiver) { try await send(client, "Your table is booked.") }
        try await expect(.messageDelivered, receiver, since: start, isTimed: true)
        try await expect(.messageFailed, receiver) { try await send(client, Self.unsendable) }
        try await client.call(.PUT, "/v1/phones", PhoneSettings(number: Self.phoneNumber, expirationSeconds: 1))
        try await expect(.messageExpired, receiver, isTimed: true) { try await send(client, Self.forgotten) }
        try await client.call(.PUT, "/v1/phones", PhoneSettings(number: Self.phoneNumber, expirationSeconds: 600))
        try await expect(.heartbeatOffline, receiver, isTimed: true) { await phone.beat() }
        try await expect(.heartbeatOnline, receiver) { await phone.beat() }
        say("All events arrived and verified.")
    }

    /// Sends an SMS through the phone with `number`; gives the message's id.
    @discardableResult
    func send(
        _ client: DemonstrationClient, _ content: String, from number: String = phoneNumber
    ) async throws -> String {
        let draft = ["from": number, "to": Self.contact, "content": content]
        let message = try await client.call(.POST, "/v1/messages/send", draft)["data"] as? [String: Any]
        guard let id = message?["id"] as? String else { throw Failure(description: "the server gave no message") }
        return id
    }

    /// Runs `cause` and prints the event that follows from it.
    ///
    /// - Parameters:
    ///   - type: The event that must come.
    ///   - receiver: Where it must come to.
    ///   - since: When it may have happened at the earliest; nil stands for now.
    ///   - isTimed: Whether time brings it: the latency then counts from the event, not from the call.
    ///   - cause: What makes it happen.
    /// - Throws: ``Failure`` when it does not come or does not verify; what `cause` throws.
    private func expect(
        _ type: EventType, _ receiver: DemonstrationReceiver, since: Timestamp? = nil, isTimed: Bool = false,
        cause: () async throws -> Void = {}
    ) async throws {
        let start = since ?? clock.now()
        try await cause()
        guard let arrival = await receiver.arrival(of: type, since: start, within: .seconds(60)) else {
            throw Failure(description: "\(type.rawValue) did not arrive within a minute")
        }
        let latency = arrival.arrivedAt - (isTimed ? arrival.time : start)
        say(
            "\(pad(type.rawValue, 26))\(pad(arrival.id, 38))\(pad(milliseconds(latency), 13))\(arrival.problem ?? "verified")"
        )
        if let problem = arrival.problem { throw Failure(description: "\(type.rawValue) did not verify: \(problem)") }
    }

    /// Prints at once, even where standard output is a pipe and would be kept back until it fills a page.
    private func say(_ text: String) {
        print(text)
        fflush(nil)
    }

    private func milliseconds(_ duration: Duration) -> String {
        String(format: "%.1f ms", Double(duration.microseconds) / 1_000)
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text.padding(toLength: max(width, text.count + 1), withPad: " ", startingAt: 0)
    }

    private func explain(_ client: DemonstrationClient, phoneKey: String, password: String) {
        say(
            """

            1. Open the dashboard:  \(client.baseURL)
                 e-mail:    demo@example.com
                 password:  \(password)

            2. Create a webhook of your own, in the dashboard under Settings > Webhooks, or with the API keys:
                 user API key:   \(client.apiKey)
                 phone API key:  \(phoneKey)
              curl -X POST \(client.baseURL)/v1/webhooks -H 'x-api-key: \(client.apiKey)' \\
                -H 'Content-Type: application/json' \\
                -d '{"url":"http://127.0.0.1:3000/hook","signing_key":"my-key","events":["message.phone.received"],"phone_numbers":["\(Self.phoneNumber)"]}'

            3. Play the phone. An SMS comes in:
              curl -X POST \(client.baseURL)/v1/messages/receive -H 'x-api-key: \(phoneKey)' \\
                -H 'Content-Type: application/json' \\
                -d '{"to":"\(Self.phoneNumber)","from":"\(Self.contact)","content":"Hi there","sim":"SIM1"}'

            4. Send an SMS. The simulated phone fetches it, and reports that it was sent and delivered:
              curl -X POST \(client.baseURL)/v1/messages/send -H 'x-api-key: \(client.apiKey)' \\
                -H 'Content-Type: application/json' \\
                -d '{"from":"\(Self.phoneNumber)","to":"\(Self.contact)","content":"Hello back"}'

               From \(Self.secondNumber) it goes through the phone with the SMSGate app.

            5. Connect a real phone: \(client.baseURL)/docs/phones, on a server of your own (httpsms serve).

            A phone is offline after 2 s here, and messages may expire after 1 s. Everything is in \(configuration.storeName).
            Stop with Ctrl-C.
            """)
    }

    private struct PhoneSettings: JSONWritable {
        let number: String
        let expirationSeconds: Int

        func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("phone_number", number)
                o.field("max_send_attempts", 1)
                o.field("message_expiration_seconds", expirationSeconds)
                o.field("messages_per_minute", 0)
            }
        }
    }

    private struct WebhookSettings: JSONWritable {
        let url: String
        let signingKey: String
        let number: String

        func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("url", url)
                o.field("signing_key", signingKey)
                o.field("events", EventType.allCases.map(\.rawValue))
                o.field("phone_numbers", [number])
            }
        }
    }
}
