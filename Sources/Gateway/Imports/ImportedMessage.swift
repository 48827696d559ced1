import Wire

/// What an import does, or would do, with one message of the other server.
package struct ImportedMessage: Sendable {
    /// What happens to it.
    package enum Fate: Sendable, Hashable {
        /// It was not here.
        case new
        /// It is here, and got further on the other server since.
        case changed
        /// It is here as it is there.
        case known
        /// It was imported before, and was deleted here since: it stays deleted.
        case deleted
        /// The other server still has to send it: it is not imported.
        case waits
        /// Nothing can be made of it, for this reason.
        case unusable(String)
    }

    /// Its id on the other server; empty when it has none.
    package let id: String
    /// Our phone, as the other server writes it.
    package let owner: String
    /// The other party, as the other server writes it.
    package let contact: String
    /// What happens to it.
    package let fate: Fate

    init(_ message: OldMessage, _ fate: Fate) {
        id = message.id.firstScalars(Self.longest)
        owner = message.owner.firstScalars(Self.longest)
        contact = message.contact.firstScalars(Self.longest)
        self.fate = fate
    }

    /// In characters: these are shown, and counted by.
    private static let longest = 255
}
