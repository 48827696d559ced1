import Delivery
import Foundation
import Storage
import Timestamps

/// What an uploaded file asks for, once every row holds to the rules (contract 4.3).
struct BulkUpload: Sendable {
    /// A row that can be sent.
    struct Item: Sendable {
        /// As the spreadsheet counts.
        let row: Int
        let from: String
        let to: String
        let content: String
        let attachments: [String]
        /// Nil for as soon as the phone's rate allows.
        let sendAt: Timestamp?
    }

    let items: [Item]

    /// Tries the rules on all rows, and gives every message that is due to the sender of the file.
    ///
    /// - Throws: ``BulkUploadErrors``.
    init(_ rows: [BulkRow], timezone: String, at now: Timestamp) throws(BulkUploadErrors) {
        if rows.isEmpty {
            throw BulkUploadErrors([
                .file(
                    """
                    The uploaded file doesn't contain any valid records. Make sure you are using the official httpSMS \
                    template.
                    """)
            ])
        }
        if rows.count > 1_000 {
            throw BulkUploadErrors([.file("The uploaded file must contain less than 1000 records.")])
        }
        var errors: [BulkProblem] = []
        let zone = TimeZone(identifier: timezone) ?? .gmt
        items = rows.map { Self.item($0, zone: zone, at: now, errors: &errors) }
        if !errors.isEmpty { throw BulkUploadErrors(errors) }
    }

    /// What is wrong with numbers that are no phones of the account: `known` are.
    ///
    /// - Throws: ``BulkUploadErrors``.
    func requireOwners(in known: Set<String>) throws(BulkUploadErrors) {
        let rows = Dictionary(grouping: items, by: \.from)
        let errors = items.map(\.from).unique.filter { !known.contains($0) }.map { number in
            BulkProblem(
                rows: (rows[number] ?? []).map(\.row),
                "The FromPhoneNumber [\(Self.shown(number))] is not registered on your account", isShared: true)
        }
        if !errors.isEmpty { throw BulkUploadErrors(errors) }
    }

    private static func item(
        _ row: BulkRow, zone: TimeZone, at now: Timestamp, errors: inout [BulkProblem]
    ) -> Item {
        func note(_ message: String) { errors.append(BulkProblem(rows: [row.number], message)) }
        let from = PhoneNumber.address(row.from)
        let to = PhoneNumber.contact(row.to, owner: from)
        if PhoneNumber.e164(from) == nil {
            note("The FromPhoneNumber [\(Self.shown(row.from))] is not a valid E.164 phone number")
        }
        if PhoneNumber.e164(to) == nil {
            note("The ToPhoneNumber [\(Self.shown(row.to))] is not a valid E.164 phone number")
        }
        if row.content.isEmpty { note("The message content is required.") }
        if isTooLong(row.content) { note("The message content must be less than 1024 characters.") }
        let sendAt = sendAt(row.sendTime, zone: zone, at: now, note)
        let attachments = row.attachmentURLs.split(separator: ",", maxSplits: 100).map(\.trimmed).filter { !$0.isEmpty }
        if attachments.count > 10 { note("You cannot attach more than 10 files per message.") }
        for url in attachments.prefix(10) {
            switch FieldErrors.isAbsoluteURL(url) {
            case true: break
            case false where url.contains("://") && !url.hasPrefix("://"):
                note("The attachment URL [\(Self.shown(url))] must use http or https.")
            case false: note("The attachment URL [\(Self.shown(url))] has an invalid url format.")
            }
        }
        return Item(
            row: row.number, from: from, to: to, content: row.content, attachments: attachments, sendAt: sendAt)
    }

    /// Whether a text is longer than 1,024 UTF-16 units, which is what an SMS counts.
    private static func isTooLong(_ content: String) -> Bool { content.utf16.count > 1_024 }

    /// A cell in a sentence: so much of it that somebody finds it.
    private static func shown(_ cell: String) -> String {
        cell.unicodeScalars.count > 100 ? String(String.UnicodeScalarView(cell.unicodeScalars.prefix(100))) + "…" : cell
    }

    private static func sendAt(
        _ sendTime: BulkRow.SendTime?, zone: TimeZone, at now: Timestamp, _ note: (String) -> Void
    ) -> Timestamp? {
        let found: Timestamp?
        switch sendTime {
        case nil: return nil
        case .wallClock(let seconds): found = time(ofWallClock: seconds, in: zone)
        case .text(let text):
            found = Timestamp(rfc3339: text) ?? wallClock(text).flatMap { time(ofWallClock: $0, in: zone) }
            if found == nil {
                note(
                    """
                    The SendTime [\(Self.shown(text))] is not a valid date format. Use RFC3339 (e.g. 2023-11-11T02:10:01Z) or \
                    YYYY-MM-DDTHH:MM:SS.
                    """)
            }
        }
        if let found, found - now > .seconds(480 * 3_600) {
            note("The SendTime [\(found.rfc3339)] cannot be more than 20 days (480 hours) in the future.")
        }
        return found
    }

    /// Reads `YYYY-MM-DDTHH:MM:SS`, with a `T` or a space: seconds since 1970-01-01 00:00 by the wall clock.
    private static func wallClock(_ text: String) -> Int64? {
        guard text.utf8.count == 19 else { return nil }
        return Timestamp(rfc3339: text.replacing(" ", with: "T") + "Z").map { $0.microseconds / 1_000_000 }
    }

    /// When the clocks of `zone` show this; of a time that comes twice, the first.
    private static func time(ofWallClock seconds: Int64, in zone: TimeZone) -> Timestamp? {
        var utc = Calendar(identifier: .gregorian)
        utc.timeZone = .gmt
        var local = utc
        local.timeZone = zone
        let parts = utc.dateComponents(
            [.year, .month, .day, .hour, .minute, .second], from: Date(timeIntervalSince1970: Double(seconds)))
        return local.date(from: parts).flatMap { Timestamp(secondsSince1970: $0.timeIntervalSince1970.rounded()) }
    }
}

/// What is wrong with an uploaded file.
struct BulkProblem: Sendable {
    /// As the spreadsheet counts; none when it is the file as a whole.
    let rows: [Int]
    /// In a sentence.
    let reason: String
    /// Whether it may be that of many rows.
    private let isShared: Bool

    init(rows: [Int], _ reason: String, isShared: Bool = false) {
        self.rows = rows
        self.reason = reason
        self.isShared = isShared
    }

    /// A problem of the file as a whole.
    static func file(_ reason: String) -> BulkProblem { BulkProblem(rows: [], reason) }

    /// The contract's words (4.3).
    var message: String {
        if rows.isEmpty { return reason }
        return "\(isShared ? "Rows" : "Row") [\(rows.map(String.init).joined(separator: ", "))]: \(reason)"
    }
}

/// What is wrong with an uploaded file, in the order of its rows.
struct BulkUploadErrors: Error {
    let problems: [BulkProblem]

    init(_ problems: [BulkProblem]) {
        self.problems = problems
    }
}
