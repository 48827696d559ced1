import Testing

@testable import Dashboard

/// What the form suggests for the columns of a file.
struct BulkFieldsTests {
    @Test func headingsSuggestWhatTheyHold() {
        func fields(_ names: String...) -> BulkFields {
            BulkFields(
                header: Dictionary(names.enumerated().map { ($0.offset, $0.element) }) { $1 },
                phones: ["+18005550199", "+18005550188"])
        }
        let usual = fields("Name", "Mobile number", "Send date", "Text")
        #expect(usual.to == "column 1" && usual.from == "+18005550199" && usual.sendTime == "column 2")
        #expect(usual.text == BulkFields.typed && usual.attachments == "")
        let known = fields("Content", "ToPhoneNumber", "FromPhoneNumber", "Phone")
        #expect(known.to == "column 1" && known.from == "column 2" && known.text == "column 0")
        let odd = fields("FromPhoneNumber", "Hotel")
        #expect(odd.to == "" && odd.from == "column 0")
    }
}
