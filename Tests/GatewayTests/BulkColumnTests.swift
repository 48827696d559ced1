import TestSupport
import Testing

@testable import Gateway

/// The names of columns as people write them.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct BulkColumnTests {
    @Test(arguments: [
        ("FromPhoneNumber", BulkColumn.from), ("fromphonenumber", .from), ("FROM PHONE NUMBER", .from),
        (" To Phone\tNumber ", .to), ("To\u{A0}Phone\u{A0}Number", .to), ("\u{FEFF}Content", .content),
        ("con\u{200B}tent", .content), ("SendTime", .sendTime), ("SendTime(optional)", .sendTime),
        ("Send Time (Optional)", .sendTime), ("sendtime ( OPTIONAL )", .sendTime), ("Content (optional)", .content),
        ("AttachmentURLs", .attachmentURLs), ("attachment urls(optional)", .attachmentURLs),
    ]) func aColumnIsNamedInAnyCaseAndWithSpaces(header: String, column: BulkColumn) {
        #expect(BulkColumn(header) == column)
    }

    @Test(arguments: [
        ("SendTme", BulkColumn.sendTime), ("Send_Time", .sendTime), ("send-time", .sendTime), ("SendTimes", .sendTime),
        ("SendTime (UTC)", .sendTime), ("SendTime(optinal)", .sendTime), ("Scheduled SendTime", .sendTime),
        ("Send", .sendTime), ("SendDate", .sendTime), ("SentTime", .sendTime), ("From", .from), ("from phone", .from),
        ("FromPhoneNumbers", .from), ("send at", .sendTime), ("Schedule", .sendTime), ("to", .to), ("ToPhone", .to),
        ("ToPhoneNumbr", .to),
        ("T oPhoneNumber2", .to), ("Contents", .content), ("Contnet", .content), ("Message Content", .content),
        ("Attachment", .attachmentURLs), ("AttachmentURL", .attachmentURLs), ("Attachments", .attachmentURLs),
        ("attachment_urls", .attachmentURLs), ("AttachmentURI", .attachmentURLs),
    ]) func aNameThatIsAlmostThatOfAColumnIsTold(header: String, column: BulkColumn) {
        #expect(BulkColumn(header) == nil)
        #expect(BulkColumn.resembling(header) == column)
    }

    @Test(arguments: [
        "", " ", "x", "c", "Name", "First name", "Note", "Customer", "Country", "City", "E-mail", "Phone", "Language",
        "Date", "Total", "Token", "Topic", "Company", "(optional)", "From me to you", "Attn", "Sender",
    ]) func aColumnOfTheSendersOwnIsLeftAlone(header: String) {
        #expect(BulkColumn(header) == nil)
        #expect(BulkColumn.resembling(header) == nil)
    }

    private static func problems(_ header: String...) -> [String] {
        let names = Dictionary(header.enumerated().map { ($0.offset, $0.element) }) { $1 }
        do {
            _ = try BulkColumns(header: names)
            return []
        } catch {
            return error.messages
        }
    }

    @Test func everythingThatIsWrongWithAHeaderIsTold() {
        let looks = { (name: String, column: String) in
            "The column [\(name)] looks like \(column). Name it \(column), or something else if it is meant to be ignored."
        }
        #expect(Self.problems("ToPhoneNumber", "FromPhoneNumber", "Content") == [])
        #expect(
            Self.problems("To", "FromPhoneNumber", "Text", "Send Time (UTC)") == [
                "The column ToPhoneNumber is missing.", "The column Content is missing.", looks("To", "ToPhoneNumber"),
                looks("Send Time (UTC)", "SendTime"),
            ])
        #expect(
            Self.problems("FromPhoneNumber", "ToPhoneNumber", "Content", "sendtime", "SendTime(optional)") == [
                "The column SendTime is there twice."
            ])
        #expect(
            Self.problems("12125550123", "12125550188", "Hello", "") == [
                """
                The first row must name the columns: FromPhoneNumber, ToPhoneNumber, Content are missing. Make sure you are \
                using the official httpSMS template.
                """
            ])
    }

    /// Where the column itself is there, a word that differs in some letters is another one.
    @Test func aWordLikeTheNameOfAColumnIsFineBesideIt() {
        #expect(Self.problems("FromPhoneNumber", "ToPhoneNumber", "Content", "Contact") == [])
        #expect(Self.problems("FromPhoneNumber", "ToPhoneNumber", "Content", "Contents").count == 1)
        #expect(Self.problems("FromPhoneNumber", "ToPhoneNumber", "Contact").count == 2)
    }
}
