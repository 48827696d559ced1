import Delivery
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// Firebase's name and that of the OAuth server are looked up as names of webhooks are.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct PushNameTests {
    /// Names that nobody else knows.
    private final class Names: AddressResolver {
        private let addresses: [String: IPAddress]
        private let asked = Mutex<[LookupCaller]>([])

        /// For whom names were looked up.
        var callers: [LookupCaller] { asked.withLock { $0 } }

        init(_ addresses: [String: IPAddress]) {
            self.addresses = addresses
        }

        func resolve(
            _ host: String, for caller: LookupCaller, within limit: Duration
        ) async throws(ResolutionError) -> [IPAddress] {
            asked.withLock { $0.append(caller) }
            guard let address = addresses[host] else { throw .timedOut }
            return [address]
        }
    }

    private static func client(_ endpoint: String, _ names: Names) async throws -> FCMClient {
        let settings = try #require(PushConfiguration(account: nil, endpoint: endpoint))
        let sender = try HTTPSender(resolver: names, policy: .operators)
        return try await FCMClient(settings, clock: SystemClock(), sender: sender)
    }

    @Test func aPushGoesWhereOurOwnResolverSays() async throws {
        try await RawReceiver.run(script: { $0.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") }) {
            receiver, port in
            let names = Names(["firebase.test": IPAddress(v4: 0x7F00_0001)])
            let client = try await Self.client("http://firebase.test:\(port)", names)

            #expect(await client.send(Array("{}".utf8)) == .taken)
            #expect(receiver.requests.count == 1)
            #expect(names.callers == [.operated])
        }
    }

    @Test func aNameThatIsNotAnsweredFailsInWordsAndMayPass() async throws {
        let client = try await Self.client("http://firebase.test", Names([:]))

        let answer = await client.send(Array("{}".utf8))

        let reason = "Firebase cannot be reached: dns_timeout: the name servers did not answer in time"
        #expect(answer == .failed(reason, after: nil))
    }
}
