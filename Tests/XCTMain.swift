import Testing

/// Where the tests begin: Swift Testing runs all of them. Without this file SwiftPM would look in an index of the sources for tests
/// of XCTest, of which there are none, and each build would have to write that index.
@main private enum XCTMain {
    static func main() async {
        await Testing.__swiftPMEntryPoint() as Never
    }
}
