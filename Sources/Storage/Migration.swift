/// One step of the schema: applied once, in order, and never edited after a release.
package struct Migration: Sendable {
    /// A name that is unique and sorts nowhere in particular, such as `phones-1`.
    package let id: String
    /// Run in order, in one transaction.
    package let statements: [SQL]

    /// Names a step and what it runs.
    package init(_ id: String, _ statements: [SQL]) {
        self.id = id
        self.statements = statements
    }
}
