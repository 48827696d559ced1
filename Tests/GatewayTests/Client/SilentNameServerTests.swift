import AsyncHTTPClient
import Delivery
import Secrets
import TestSupport
import Testing

@testable import Client

/// What commands say when name servers are silent. That they end is up to SwiftNIO, whose limit for a connection includes the
/// lookup.
@Suite(.onOneEngine) struct SilentNameServerTests {
    @Test func aCommandSaysThatItMayBeTheNameServers() {
        let client = ServerClient(ClientSettings(url: "http://sms.example.com", apiKey: Secret("key")))

        let failure = client.unreachable(HTTPClientError.connectTimeout)

        #expect(failure.status == .unreachable)
        #expect("\(failure)".contains("no connection within 10 s, or no answer from its name servers"))
    }

    @Test(arguments: [
        (ResolutionError.notFound, "sms.example.com is not known to the name server"),
        (.timedOut, "no name server answered for sms.example.com"),
        (.failed("SERVFAIL"), "sms.example.com could not be looked up: the lookup failed: SERVFAIL"),
    ])
    func theLookAtAPhonesWayTellsSilenceFromAName(error: ResolutionError, words: String) throws {
        let finding = try PhoneAddress("https://sms.example.com").unknown(because: error)

        #expect("\(finding)".contains(words))
    }
}
