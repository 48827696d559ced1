import Foundation
import Storage
import TestSupport
import Testing

@testable import Delivery

/// Contexts that need not be made again. What they cost is counted in contexts that were made.
@Suite(.timeLimit(.minutes(15))) struct TrustContextsTests {
    private static func contexts() -> TrustContexts { TrustContexts(roots: SystemTrust(roots: [], more: [])) }

    @Test func manyWebhooksWithAuthoritiesOfTheirOwnCostOneContextEach() async throws {
        try await withTemporaryDirectory { folder in
            let authority = try await TestAuthority(in: folder)
            var trust = EndpointTrust()
            trust.authorities = try String(contentsOfFile: authority.certificatePath, encoding: .utf8)
            let contexts = Self.contexts()

            for count in [100, 200, 400] {
                for _ in 0..<3 {
                    for number in 0..<count { _ = try await contexts.context(of: trust, key: "\(number)") }
                }
                #expect(contexts.made == count)
            }
            // Beyond the bound, what was not used for longest goes.
            for number in 400..<700 { _ = try await contexts.context(of: trust, key: "\(number)") }
            #expect(contexts.made == 700)
            _ = try await contexts.context(of: trust, key: "699")
            #expect(contexts.made == 700)
            _ = try await contexts.context(of: trust, key: "0")
            #expect(contexts.made == 701)
        }
    }

    /// With all authorities of the system, which are large, 64 stay.
    @Test func whatIsUsedStaysBesideWhatIsUsedOnce() async throws {
        let contexts = Self.contexts()
        let used = (0..<60).map { "used \($0)" }

        for round in 0..<20 {
            for key in used { _ = try await contexts.context(of: EndpointTrust(), key: key) }
            _ = try await contexts.context(of: EndpointTrust(), key: "once \(round)")
        }

        #expect(contexts.made == used.count + 20)
    }
}
