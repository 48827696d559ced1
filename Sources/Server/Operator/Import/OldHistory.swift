import Gateway

/// The messages and conversations of one account of another httpSMS server.
protocol OldHistory {
    /// Hands all of them on, part by part.
    ///
    /// - Parameters:
    ///   - problem: Told of what could not be read, in words for the operator; the rest is read all the same.
    ///   - take: Called for each part, which is forgotten then.
    /// - Throws: ``ImportError`` when it cannot go on, and what `take` throws.
    func read(problem: (String) -> Void, _ take: (OldPage) async throws -> Void) async throws
}

/// Why an import ended early. All that was imported until then stays, and the next run goes on behind it.
package struct ImportError: Error, CustomStringConvertible {
    /// What is at fault, which decides how the command ends.
    package enum Kind: Sendable {
        /// The command line.
        case usage
        /// Nobody answers at the old server.
        case unreachable
        /// Its key is not accepted.
        case unauthorised
        /// The old server fails.
        case failed
        /// It does not give what is asked for.
        case refused
    }

    /// What is at fault.
    package let kind: Kind
    /// What is wrong, in words for the operator.
    package let description: String

    init(_ kind: Kind, _ description: String) {
        (self.kind, self.description) = (kind, description)
    }
}
