import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// The event stream of a device.
@Suite(.timeLimit(.minutes(15))) struct DeviceStreamTests {
    /// Opens a stream while `body` runs.
    private static func stream(
        _ device: DevicePhone, _ body: (EventStreamClient, HTTPClientResponse) async throws -> Void
    ) async throws {
        var request = HTTPClientRequest(url: device.client.baseURL + "/api/mobile/v1/events")
        request.headers.add(name: "Authorization", value: "Bearer \(device.token)")
        request.headers.add(name: "Accept", value: "text/event-stream")
        request.headers.add(name: "User-Agent", value: "okhttp/4.10.0")
        try await EventStreamClient.run(request) { stream, response in
            if response.status == .ok {
                try await until("the stream is open") { stream.text.hasPrefix(": open\n\n") }
            }
            try await body(stream, response)
        }
    }

    private static func withDevice(
        on engine: Engine = .usual,
        _ body: @escaping @Sendable (TestServer, Account, DevicePhone) async throws -> Void
    ) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let device = try await DevicePhone.make(server, account)
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": .string(DevicePhone.number), "messages_per_minute": 0])
            for path in ["/webhooks", "/settings", "/message"] { _ = try await device.send("GET", path) }
            try await body(server, account, device)
        }
    }

    @Test(arguments: Engine.enabled) func aMessageIsToldAtOnceAndFetched(engine: Engine) async throws {
        try await Self.withDevice(on: engine) { _, account, device in
            try await Self.stream(device) { listener, response in
                #expect(response.headers.first(name: "Content-Type") == "text/event-stream")
                #expect(response.headers.first(name: "X-Accel-Buffering") == "no")
                #expect(response.headers.first(name: "Content-Encoding") == nil)
                let id = try await account.send()["id"].string

                #expect(try await listener.names(1) == ["MessageEnqueued"])

                #expect(listener.text.contains("event: MessageEnqueued\ndata: null\n\n"))
                #expect(try await device.pull().map { $0["id"].string } == [id])
                let listed = try await account.client.get("/v1/devices").data[0]
                // The stream comes with the name of the HTTP library.
                #expect(listed["transport"] == "stream" && listed["app_version"] == "1.68.0")
            }
        }
    }

    @Test func everyStreamOfADeviceIsToldAndNoneIsEnded() async throws {
        try await Self.withDevice { _, account, device in
            try await Self.stream(device) { first, _ in
                try await Self.stream(device) { second, _ in
                    _ = try await account.send()

                    #expect(try await first.names(1) == ["MessageEnqueued"])
                    #expect(try await second.names(1) == ["MessageEnqueued"])
                    #expect(!first.hasEnded && !second.hasEnded)
                }
            }
        }
    }

    @Test func aDeviceThatFetchedNothingYetIsToldToAtItsFirstStream() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let device = try await DevicePhone.make(server, account)
            try await Self.stream(device) { listener, _ in
                let events = try await listener.names(2)
                #expect(events == ["WebhooksUpdated", "SettingsUpdated"])
            }
            for path in ["/webhooks", "/settings"] { _ = try await device.send("GET", path) }
            try await Self.stream(device) { listener, _ in
                _ = try await account.send()
                #expect(try await listener.names(1) == ["MessageEnqueued"])
            }
        }
    }

    @Test func theStreamOfADeviceThatRegisteredAgainStaysOpen() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let pairing = try await account.client.post(
                "/v1/devices/pairings", ["numbers": [["sim": "SIM1", "phone_number": "+18005550199"]]]
            ).data
            let authorization = "Bearer \(pairing["private_token"].string)"
            func register() async throws -> DevicePhone {
                let answer = try await DevicePhone.register(server, authorization).json
                return DevicePhone(client: server.client, id: answer["id"].string, token: answer["token"].string)
            }
            let old = try await register()
            for _ in 0..<3 { _ = try await register() }

            try await Self.stream(old) { listener, response in
                #expect(response.status == .ok)
                #expect(try await listener.names(2) == ["WebhooksUpdated", "SettingsUpdated"])
                _ = try await register()
                #expect(try await listener.names(4).count == 4)
                #expect(!listener.hasEnded)
            }
            // The fourth before the newest opens nothing.
            try await Self.stream(old) { _, response in #expect(response.status == .unauthorized) }
        }
    }

    @Test func whatIsDeletedIsTakenBackOnEachStream() async throws {
        try await Self.withDevice { server, account, device in
            let id = try await account.send()["id"].string
            _ = try await server.message(id, of: account, is: "scheduled")
            _ = try await device.pull()
            try await Self.stream(device) { listener, _ in
                _ = try await account.client.delete("/v1/messages/\(id)")
                let events = try await listener.names(1)
                #expect(events == ["MessageCancelled"])
                #expect(listener.text.contains("data: {\"messageId\":\"\(id)\"}\n\n"))
            }
            // It may have had no stream then.
            try await Self.stream(device) { listener, _ in
                #expect(try await listener.names(1) == ["MessageCancelled"])
                _ = try await device.report(id, "Cancelled")
            }
            try await Self.stream(device) { listener, _ in
                _ = try await account.send()
                #expect(try await listener.names(1) == ["MessageEnqueued"])
            }
        }
    }

    @Test func anInboxIsAskedForOnceOnAStream() async throws {
        try await Self.withDevice { server, account, device in
            let id = try #require(DeviceID(device.id))
            let frame = #/data: \{"since":"([^"]+)","until":"([^"]+)","triggerWebhooks":"true"\}\n/#
            try await Self.stream(device) { listener, _ in
                try await server.store.write { tx in
                    try PhoneDeviceQueries.note(.askedForInbox, of: id, in: tx)
                    try PhoneDeviceQueries.nudge(id, in: tx)
                }
                #expect(try await listener.names(1) == ["MessagesExportRequested"])
                let times = try #require(listener.text.firstMatch(of: frame))
                let ends = try [times.1, times.2].map { try #require(Timestamp(rfc3339: String($0))) }
                #expect(ends[1] - ends[0] == .seconds(30 * 86_400))
                for time in [times.1, times.2] { #expect(time.wholeMatch(of: /.{19}\.\d{3}Z/) != nil) }
                _ = try await account.send()
                #expect(try await listener.names(2) == ["MessagesExportRequested", "MessageEnqueued"])
            }
            // It may have had no stream; but not for long.
            try await Self.stream(device) { listener, _ in
                let names = try await listener.names(1)
                #expect(names == ["MessagesExportRequested"])
            }
            server.advance(by: .seconds(3_601))
            let news = try await server.store.read { tx in try DeviceTeller.News(of: id, in: tx) }
            #expect(news?.inbox == nil)
        }
    }

    /// A proxy or a router that sees nothing for long ends what it takes for dead.
    @Test func aStreamSaysSomethingEvery15Seconds() async throws {
        try await Self.withDevice { server, _, device in
            let id = try #require(DeviceID(device.id))
            func nudge() async throws {
                try await server.store.write { tx in try PhoneDeviceQueries.nudge(id, in: tx) }
            }
            try await Self.stream(device) { listener, _ in
                for count in 1...3 {
                    server.advance(by: .seconds(15))
                    // The stream waits by the real clock.
                    try await nudge()
                    try await until("\(count) comments in \(listener.text)") {
                        listener.text.hasPrefix(": open\n\n" + String(repeating: ":\n\n", count: count))
                    }
                }
            }
        }
    }

    @Test func aRemovedDevicesStreamEnds() async throws {
        try await Self.withDevice { _, account, device in
            try await Self.stream(device) { listener, _ in
                #expect(try await account.client.delete("/v1/devices/\(device.id)").status == 204)
                try await until("the stream ended") { listener.hasEnded }
            }
        }
    }

    @Test func onlyADevicesTokenOpensAStream() async throws {
        try await Self.withDevice { _, account, device in
            for token in ["", "x", account.apiKey] {
                let stranger = DevicePhone(client: device.client, id: device.id, token: token)
                try await Self.stream(stranger) { _, response in #expect(response.status == .unauthorized) }
            }
        }
    }

    @Test func aNudgeThatIsLostIsFoundInTheStore() async throws {
        try await Self.withDevice { server, account, device in
            try await Self.stream(device) { listener, _ in
                // As another node would, whose hint is lost.
                try await server.store.write { tx in
                    _ = try tx.run(
                        "UPDATE device SET nudged_at = \(tx.now), webhooks_at = NULL, registered_at = \(tx.now)")
                }
                #expect(try await listener.names(1) == ["WebhooksUpdated"])
            }
        }
    }

    @Test func aDeviceHas64StreamsAtMost() {
        let streams = DeviceStreams(store: NoStore(), clock: AdjustableClock(), logger: .init(label: "test"))
        let id = DeviceID(at: .first)
        var open = (0..<64).compactMap { _ in streams.open(id) }
        #expect(open.count == 64 && streams.open(id) == nil && streams.open(DeviceID(at: .last)) != nil)

        open.removeFirst()

        #expect(streams.count == 63 && streams.open(id) != nil)
    }

    /// Nothing is stored here.
    private struct NoStore: Store {
        let wakeups = Wakeups()
        let unreadable = UnreadableRows()

        func read<T: Sendable>(
            _ lane: ReadLane, _ body: @escaping @Sendable (any Transaction) throws -> T
        ) async throws -> T { throw CancellationError() }

        func write<T: Sendable>(
            _ lane: WriteLane, _ body: @escaping @Sendable (any Transaction) throws -> T
        ) async throws -> T { throw CancellationError() }

        func readiness() async -> String? { nil }

        func waitingWrites(_ kind: WriteLane.Kind) -> Int { 0 }

        func close() async throws {}
    }
}

/// What a stream says and when, without one.
struct DeviceTellerTests {
    private static let registered = Timestamp(seconds: 1)

    private static func news(_ isOutstanding: Bool, pulled: Int64? = nil) -> DeviceTeller.News {
        DeviceTeller.News(
            isOutstanding: isOutstanding, pulledAt: pulled.map { Timestamp(seconds: $0) }, registeredAt: registered)
    }

    @Test func aDeviceIsToldOnceASecondAtMostAndNotWhileItFetches() {
        var teller = DeviceTeller(Self.news(false), at: .zero)
        func told(_ second: Double, _ news: DeviceTeller.News) -> Bool {
            !teller.events(news, at: .milliseconds(Int64(second * 1_000))).isEmpty
        }
        // It fetches by itself when it opens the stream.
        #expect(!told(0.5, Self.news(true)))
        #expect(told(1, Self.news(true)))
        // To be told again would end what it fetches at that moment.
        #expect(!told(3, Self.news(true)) && !told(10.9, Self.news(true)))
        #expect(told(11, Self.news(true)))
        #expect(!told(30, Self.news(true)) && told(31, Self.news(true)))
        #expect(told(71, Self.news(true)) && told(131, Self.news(true)) && !told(190, Self.news(true)))
        #expect(told(191, Self.news(true)))
        // It fetched, and more was left or came: at once.
        #expect(told(192, Self.news(true, pulled: 5)))
        #expect(!told(192.9, Self.news(true, pulled: 6)) && told(193, Self.news(true, pulled: 6)))
        #expect(!told(1_000, Self.news(false, pulled: 6)))
    }

    @Test func aStreamLooksAgainWhenItHasToTell() {
        var teller = DeviceTeller(Self.news(false), at: .zero)
        _ = teller.events(Self.news(false), at: .seconds(5))
        #expect(teller.nextLook(Self.news(false), at: .seconds(5)) == nil)
        _ = teller.events(Self.news(true), at: .seconds(6))
        #expect(teller.nextLook(Self.news(true), at: .seconds(6)) == .seconds(10))
    }
}

extension EventStreamClient {
    /// The names of the events, in their order.
    private var names: [String] {
        text.split(separator: "\n").filter { $0.hasPrefix("event: ") }.map { String($0.dropFirst(7)) }
    }

    /// Waits until `count` events came, and gives the names of all.
    fileprivate func names(_ count: Int) async throws -> [String] {
        try await eventually("\(count) events in \(text)") { names.count >= count ? names : nil }
    }
}
