/// Names a user: any text, as httpSMS takes Firebase's ids.
package struct UserID: Hashable, Sendable, SQLConvertible, CustomStringConvertible {
    /// 1 to 128 bytes, without white space.
    package let text: String

    /// Takes an id that was checked when the user was made.
    package init(_ text: String) {
        self.text = text
    }

    package var description: String { text }

    package var sqlValue: SQLValue { .text(text) }

    package init?(sqlValue: SQLValue) {
        guard case .text(let text) = sqlValue else { return nil }
        self.init(text)
    }
}

extension ReadLane {
    /// The lane of what a user asks for.
    package static func user(_ id: UserID) -> ReadLane { .account(id.text) }
}

extension WriteLane {
    /// The lane of what a user, or a phone of theirs, stores.
    package static func user(_ id: UserID) -> WriteLane { .account(id.text) }
}
