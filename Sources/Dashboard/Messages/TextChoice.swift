import Delivery
import Gateway
import Storage
import Wire

/// The choice of a saved text in a form that sends.
struct TextChoice: Sendable {
    let texts: [Choice]
    let hasTexts: Bool

    /// Offers all texts of `userID`.
    init(of userID: UserID, chosen: String, in tx: any Transaction) throws {
        texts = try SavedTextQueries.names(userID: userID, in: tx).map { text in
            Choice(
                value: text.id.text, isChosen: text.id.text == chosen,
                note: text.name.firstScalars(SavedTextDraft.longestName))
        }
        hasTexts = !texts.isEmpty
    }

    /// What is refused with ``unknown``.
    static let none = Refusal(.invalid, unknown)

    /// What is said when the form asks for none of the account's texts.
    static let unknown = "Choose one of your texts first."

    /// What a form is refused with that would send a placeholder.
    static let unfilled = Refusal(.invalid, "The message was not sent. Check the highlighted fields.")

    /// What is to be done about placeholders without a value.
    static func words(_ missing: [String]) -> [String] {
        missing.map { name in
            let place = "Write it in the place of {{\(name)}}."
            return switch PlaceholderText.key(name) {
            case "name": "No contact has this number, so there is no name for it. \(place)"
            case "number": "There is no number yet that it goes to. Enter it above, and use the text again."
            default: "Nothing is known as “\(name)” of this number. \(place)"
            }
        }
    }
}
