import Wire

/// A member of a phone's report. Whatever its type is, it can be read: a phone forgets what is refused.
struct ToldText: Decodable, Sendable {
    /// A string, or a number or truth value as text; nil for null, lists and objects.
    let text: String?

    /// - Throws: When a string is not text: then the body is not JSON, which is read once more in another way.
    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        do {
            text = try value.decode(String.self)
        } catch DecodingError.typeMismatch {
            // Each `try?` asks whether the value has this type.
            if let truth = try? value.decode(Bool.self) {
                text = String(truth)
            } else if let integer = try? value.decode(Int64.self) {
                text = String(integer)
            } else {
                text = (try? value.decode(Double.self)).map { String($0) }
            }
        } catch DecodingError.valueNotFound {
            text = nil
        }
    }
}

/// A list in a phone's report. What is not a list is an empty one.
struct ToldList<Element: Decodable & Sendable>: Decodable, Sendable {
    /// Nil stands for an element that cannot be read.
    let elements: [Element?]

    private struct Told: Decodable {
        let element: Element?

        init(from decoder: any Decoder) throws {
            do {
                element = try Element(from: decoder)
            } catch DecodingError.typeMismatch {
                element = nil
            } catch DecodingError.valueNotFound {
                element = nil
            }
        }
    }

    /// - Throws: As ``ToldText``.
    init(from decoder: any Decoder) throws {
        do {
            elements = try [Told](from: decoder).map(\.element)
        } catch DecodingError.typeMismatch {
            elements = []
        }
    }
}

/// What is odd about a report; it is kept all the same, and shown with its message.
struct ReportNotes: Sendable {
    private(set) var texts: [String] = []

    /// The sender of an SMS or call whose number is withheld.
    static let unknownContact = "unknown"

    /// As long as e-mail addresses get, with which gateways send SMS. Every conversation is found by it.
    private static let longestContact = 255

    mutating func add(_ text: String) { texts.append(text) }

    /// Notes when U+FFFD stands in `text` for what could not be read.
    mutating func look(at text: String) {
        if text.unicodeScalars.contains("\u{FFFD}") {
            add("U+FFFD stands for what is not text in the report of the phone")
        }
    }

    /// The other party as the phone `told` it: ``unknownContact`` when it is withheld, and cut when it is very long.
    mutating func contact(_ told: String?, owner: String) -> String {
        let contact = PhoneNumber.contact(told ?? "", owner: owner)
        if contact.isEmpty {
            add("the number of the sender is withheld")
            return Self.unknownContact
        }
        guard contact.unicodeScalars.count > Self.longestContact else { return contact }
        add("the sender was cut to \(Self.longestContact) characters")
        return contact.firstScalars(Self.longestContact)
    }
}
