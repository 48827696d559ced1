import HTTPTypes
import Testing

@testable import Dashboard
@testable import Gateway

/// What pages say where the API says what httpSMS says.
struct PageProblemsTests {
    @Test(arguments: [
        ("to", "The to field must contain only digits and must be less than 14 characters", "Enter a number in the"),
        ("phone_numbers", "The phone_numbers field is required", "Choose at least one phone number."),
        ("other", "The other field is required", "Fill in this field."),
        ("messages_per_minute", "The messages_per_minute field value can not be greater than 60", "Enter 60 at most."),
        ("url", "The url field format is invalid", "Enter a URL that begins with"),
        ("to", "The to field must be maximum 1000 in size", "Choose 1000 at most."),
        ("name", "The name field must be maximum 60 char", "Use 60 characters at most."),
        ("x", "something else", "Something else."), ("x", "", "."), ("x", "field value can not be less than ", "Field"),
    ])
    func aProblemIsSaidInPlainWords(field: String, text: String, words: String) {
        #expect(PageProblems.plain(text, at: field).hasPrefix(words))
    }

    /// Field names of JSON mean nothing to people.
    @Test func noRuleOfTheAPIIsShownAsItIs() {
        var errors = FieldErrors()
        errors.require("content", "")
        errors.requireBytes("name", "ab", max: 1)
        errors.requireCount("to", ["a", "b"], max: 1)
        errors.requireRange("rate", 61, max: 60)
        errors.requireRange("rate", -1, max: 60)
        errors.requirePhoneNumber("from", "x")
        errors.requireContact("to", "x")
        errors.requireContacts("to", ["x"])
        errors.requireAttachmentURLs("attachments", ["ftp://x"])
        let problems = PageProblems.all(Refusal(.invalid, "", problems: errors.messages))

        for text in problems.values.joined() { #expect(!text.contains("field"), "\(text)") }
        #expect(problems.count == errors.messages.count)
        #expect(PageProblems.all(Refusal.absent("x")).isEmpty)
    }
}
