import TestSupport
import Testing

@testable import Gateway

/// Cookies are read before it is known who asks.
@Suite(.onOneEngine) struct CookieTests {
    @Test(arguments: [
        ("httpsms=a; httpsms=b", ["a", "b"]),
        (" httpsms=a ;\thttpsms=b\t", ["a", "b"]),
        ("httpsms", []), ("httpsms=", [""]), ("httpsms-form=a", []), ("xhttpsms=a", []), ("HTTPSMS=a", []),
        (";;;httpsms=a", ["a"]), ("", []), ("httpsms=a=b", ["a=b"]),
    ])
    func valuesAreThoseOfTheName(field: String, values: [String]) {
        #expect(Cookies.values("httpsms", in: [field]) == values)
    }

    /// Whatever is sent, the pairs that are looked at are few, over all fields together.
    @Test func pairsAreBounded() {
        let many = String(repeating: "httpsms=a;", count: 40_000)

        #expect(Cookies.values("httpsms", in: [many]).count == Cookies.mostPairs)
        #expect(
            Cookies.values("httpsms", in: Array(repeating: "httpsms=a;httpsms=b", count: 256)).count
                == Cookies.mostPairs)
        #expect(Cookies.values("httpsms", in: [String(repeating: ";", count: 80_000) + "httpsms=a"]) == ["a"])
        #expect(Cookies.values("httpsms", in: [many, "httpsms=b"]).allSatisfy { $0 == "a" })
    }
}
