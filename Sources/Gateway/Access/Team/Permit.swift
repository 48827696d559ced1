import Storage

/// That somebody may still do what their page was allowed: a file that waits its turn is read for minutes, and a role may change
/// meanwhile.
package struct Permit: Sendable {
    private let session: Session

    /// What the page of `session` was allowed.
    package init(_ session: Session) {
        self.session = session
    }

    /// Looks once more, in the transaction that does it.
    ///
    /// - Throws: ``Refusal`` `.forbidden` when the role is less than it was, or gone.
    func check(in tx: any Transaction) throws {
        guard let role = try TeamQueries.role(of: session.person, in: tx), role >= session.role else {
            throw AccessOperations.lostRole
        }
    }
}
