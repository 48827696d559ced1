/// What is wrong with a ``ContactDraft``.
package enum ContactProblem: Sendable, Hashable {
    case noName
    case longName
    case noNumber
    case number(String)
    case email(String)
    case manyNumbers
    case manyEmails
    case manyProperties
    case propertyName
    /// The value of a property.
    case property(String)

    /// The field of a form that it stands at.
    package enum Field {
        case name, numbers, emails, note
    }

    /// Which field it is about.
    package var field: Field {
        switch self {
        case .noName, .longName: .name
        case .noNumber, .number, .manyNumbers: .numbers
        case .email, .manyEmails: .emails
        case .manyProperties, .propertyName, .property: .note
        }
    }

    /// For programs, in the words of httpSMS where it has some.
    var message: String {
        switch self {
        case .noName: "The name is required."
        case .longName: "The name must be at most 255 bytes long."
        case .noNumber: "At least one phone number is required."
        case .number(let number): "The phone number [\(BulkUpload.shown(number))] is not a valid E.164 phone number."
        case .email(let email): "The email [\(BulkUpload.shown(email))] is not a valid email address."
        case .manyNumbers: "There are more than 20 phone numbers."
        case .manyEmails: "There are more than 20 emails."
        case .manyProperties: "There are more than 50 properties."
        case .propertyName: "The name of a property must have 1 to 100 bytes."
        case .property(let name): "The property [\(BulkUpload.shown(name))] must be at most 2000 bytes long."
        }
    }

    /// For people.
    package var words: String {
        switch self {
        case .noName: "Enter a name."
        case .longName: "The name is too long. Use 255 letters at most, fewer of most scripts but the Latin one."
        case .noNumber: "Enter at least one phone number."
        case .number(let number): "“\(BulkUpload.shown(number))” is not a phone number. Write it like +18005550100."
        case .email(let email): "“\(BulkUpload.shown(email))” is not an e-mail address."
        case .manyNumbers: "A contact has 20 phone numbers at most."
        case .manyEmails: "A contact has 20 e-mail addresses at most."
        case .manyProperties: "A contact has 50 properties at most."
        case .propertyName: "The name of a property has 1 to 100 letters."
        case .property: "The note is too long. Use 2,000 letters at most, fewer of most scripts but the Latin one."
        }
    }
}
