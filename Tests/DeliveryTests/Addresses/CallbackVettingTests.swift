import Testing

@testable import Delivery

@Suite struct CallbackVettingTests {
    @Test func aPublicNameIsAccepted() async throws {
        let url = try CallbackURL("https://example.com/")

        await #expect(throws: Never.self) {
            try await vetCallback(
                url, account: "ann", resolver: StubResolver("8.8.8.8", "2a00::1"), policy: AddressPolicy())
        }
    }

    @Test func oneBlockedAddressAmongPublicOnesIsRefused() async throws {
        let url = try CallbackURL("https://example.com/")

        let error = await #expect(throws: BlockedAddress.self) {
            try await vetCallback(
                url, account: "ann", resolver: StubResolver("8.8.8.8", "10.0.0.1"), policy: AddressPolicy())
        }
        #expect(error?.address == IPAddress("10.0.0.1"))
        #expect(error?.port == 443)
    }

    @Test func aLiteralIsJudgedWithoutALookup() async throws {
        let resolver = StubResolver("8.8.8.8")

        await #expect(throws: BlockedAddress.self) {
            try await vetCallback(
                CallbackURL("http://2130706433/"), account: "ann", resolver: resolver, policy: AddressPolicy())
        }
        #expect(resolver.hosts.isEmpty)
    }

    @Test(arguments: [ResolutionError.notFound, .timedOut, .failed("x"), .unavailable])
    func aNameThatDoesNotResolveIsLeftToTheDial(error: ResolutionError) async throws {
        let url = try CallbackURL("https://example.com/")

        await #expect(throws: Never.self) {
            try await vetCallback(url, account: "ann", resolver: StubResolver(.failure(error)), policy: AddressPolicy())
        }
    }
}
