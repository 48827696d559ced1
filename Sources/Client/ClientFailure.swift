import Wire

/// Why a command that speaks to a server or a receiver ends without success.
package struct ClientFailure: Error, Sendable, CustomStringConvertible {
    /// How the process ends.
    package enum Status: Int32, CaseIterable, Sendable {
        /// Something was refused, or a check failed.
        case refused = 1
        /// An option is missing or wrong.
        case usage = 2
        /// Nobody answers there.
        case unreachable = 3
        /// The API key is missing or not valid.
        case unauthorised = 4
        /// There is no such thing on the server.
        case notFound = 5
        /// The server failed.
        case serverFailed = 6
    }

    /// How the process ends.
    package let status: Status
    /// What is wrong and how to fix it, for a person.
    package let description: String

    /// Whether the same may succeed later, as nobody answered or the server failed; it may also have been done all the same.
    package var isTransient: Bool { status == .unreachable || status == .serverFailed }

    /// Names a failure. What would steer a terminal is taken out of the lines, as servers have a part in them.
    package init(_ status: Status, _ description: String) {
        self.status = status
        self.description = description.printableLines
    }
}
