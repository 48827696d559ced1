import Wire

/// What somebody says of a contact, before it is known to hold to the rules.
package struct ContactDraft: Decodable, Sendable, Hashable {
    /// What people read in place of the numbers.
    package var name: String
    var emails: [String]
    /// At least one.
    package var phoneNumbers: [String]
    /// What else is known, by name.
    package var properties: [String: String]

    /// Says it all, as somebody wrote it.
    package init(name: String, emails: [String] = [], phoneNumbers: [String], properties: [String: String] = [:]) {
        (self.name, self.emails, self.phoneNumbers, self.properties) = (name, emails, phoneNumbers, properties)
    }

    private enum Member: CodingKey {
        case name, emails, phoneNumbers, properties
    }

    package init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        name = try members.decodeIfPresent(String.self, forKey: .name) ?? ""
        emails = try members.decodeIfPresent([String].self, forKey: .emails) ?? []
        phoneNumbers = try members.decodeIfPresent([String].self, forKey: .phoneNumbers) ?? []
        properties = try members.decodeIfPresent([String: String].self, forKey: .properties) ?? [:]
    }

    /// The same as it is stored: a name of one line, e-mail addresses in lower case, numbers as messages have them. The region
    /// of `owner`, one of the account's own numbers, says what a national number means; nil when it has none.
    func normalized(owner: String?) -> ContactDraft {
        ContactDraft(
            name: Self.oneLine(name),
            emails: emails.map { $0.trimmed.lowercased() }.filter { !$0.isEmpty }.unique,
            phoneNumbers: PhoneNumber.contacts(
                phoneNumbers.map(\.trimmed).filter { !$0.isEmpty }, owner: owner ?? ""
            ).unique,
            properties: properties)
    }

    /// What is wrong with a normalized draft. Short codes are numbers, too.
    var problems: [ContactProblem] {
        var problems: [ContactProblem] = []
        if name.isEmpty { problems.append(.noName) }
        if name.utf8.count > 255 { problems.append(.longName) }
        if phoneNumbers.isEmpty { problems.append(.noNumber) }
        for number in phoneNumbers where !PhoneNumber.isContact(number) { problems.append(.number(number)) }
        for email in emails where !Self.isEmail(email) { problems.append(.email(email)) }
        if phoneNumbers.count > Self.mostValues { problems.append(.manyNumbers) }
        if emails.count > Self.mostValues { problems.append(.manyEmails) }
        if properties.count > 50 { problems.append(.manyProperties) }
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
            if name.isEmpty || name.utf8.count > 100 { problems.append(.propertyName) }
            if value.utf8.count > 2_000 { problems.append(.property(name)) }
        }
        return problems
    }

    /// Line breaks and other control characters become spaces.
    private static func oneLine(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        scalars.append(
            contentsOf: text.unicodeScalars.lazy.map { scalar -> Unicode.Scalar in
                switch scalar.properties.generalCategory {
                case .control, .lineSeparator, .paragraphSeparator: " "
                default: scalar
                }
            })
        return String(scalars).trimmed
    }

    /// Whether a text has the form of an address; whether there is such a mailbox, nobody knows.
    private static func isEmail(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && text.utf8.count <= 254
            && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && !"<>(),;:\"[]\\".utf8.contains($0) }
    }

    /// Numbers, and e-mail addresses.
    static let mostValues = 20
}

/// The body of `POST /v1/contacts`: a list, or an object with it.
struct ContactsBody: Decodable, Sendable {
    let contacts: [ContactDraft]

    private enum Member: CodingKey {
        case contacts
    }

    init(from decoder: any Decoder) throws {
        if let list = try? decoder.unkeyedContainer() {
            var list = list
            var contacts: [ContactDraft] = []
            while !list.isAtEnd { contacts.append(try list.decode(ContactDraft.self)) }
            self.contacts = contacts
            return
        }
        contacts =
            try decoder.container(keyedBy: Member.self).decodeIfPresent([ContactDraft].self, forKey: .contacts) ?? []
    }
}
