import Testing

@testable import Dashboard
@testable import Gateway

/// Nobody is led to another server by an address that somebody else wrote down.
struct LocalPageTests {
    @Test(arguments: ["/", "/messages?owner=%2B1&q=a%20b", "/a//b", "/a:b@c"])
    func aPathOfThisServerIsTaken(path: String) {
        #expect(LocalPage.path(path) == path)
    }

    @Test(arguments: [
        "", "messages", "//evil.example", "/\\evil.example", "\\/evil.example", "/\t/evil.example", "/\n/evil.example",
        "/\r\n/evil.example", "\t//evil.example", "https://evil.example", "/a b", "/\u{0}", "/\u{e9}", "/a\u{7f}",
    ])
    func whatMayLeadElsewhereIsNot(path: String) {
        #expect(LocalPage.path(path) == nil)
    }
}
