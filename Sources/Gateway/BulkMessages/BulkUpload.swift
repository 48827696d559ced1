import Delivery
import Foundation
import Secrets
import Storage
import Timestamps
import Wire

/// What an uploaded file asks for, once every row holds to the rules.
package struct BulkUpload: Sendable {
    /// A row that can be sent.
    package struct Item: Sendable {
        /// As the spreadsheet counts.
        package let row: Int
        /// The account's own number, canonical.
        package let from: String
        /// The recipient, canonical.
        package let to: String
        /// The text.
        package let content: String
        /// URLs of files that go with it.
        package let attachments: [String]
        /// Nil for as soon as the phone's rate allows.
        package let sendAt: Timestamp?
    }

    /// The messages, in the order of rows.
    package private(set) var items: [Item]
    /// What is wrong with rows that are left out; none unless that was asked for.
    package private(set) var leftOut: [BulkProblem] = []
    /// How a CSV file was written; nil of a workbook.
    package let encoding: SheetText.Encoding?
    /// The column of the phone that sends, as the file calls it; nil where somebody chose the phone.
    private let senderColumn: String?
    /// What breaks a rule that needs nothing but the file.
    private var problems: [BulkProblem]

    /// Tries the rules on all rows, and gives every message that is due to the sender of the file.
    ///
    /// - Parameters:
    ///   - sheet: What is in the file.
    ///   - mapping: How it was read; nil by its headings.
    ///   - timezone: IANA; that of times without one.
    ///   - now: When it came.
    /// - Throws: ``BulkUploadErrors`` when there are no messages in it, or too many.
    init(
        _ sheet: BulkSheet, _ mapping: BulkMapping? = nil, timezone: String, at now: Timestamp
    ) throws(BulkUploadErrors) {
        if sheet.rows.isEmpty, sheet.problems.isEmpty {
            throw .file(
                """
                The uploaded file doesn't contain any valid records. Make sure you are using the official httpSMS \
                template.
                """)
        }
        if sheet.isFull { throw .file("The uploaded file must contain less than 1000 records.") }
        var problems = sheet.problems
        let zone = TimeZone(identifier: timezone) ?? .gmt
        var filling = mapping?.text.map(Filling.init)
        items = sheet.rows.map { row in
            Self.item(row, of: sheet, sender: mapping?.sender, &filling, zone: zone, at: now, problems: &problems)
        }
        problems += filling?.problems ?? []
        encoding = sheet.encoding
        senderColumn = sheet.name(of: .from)
        self.problems = problems
    }

    /// The numbers that the messages are to be sent from, those left out that are none.
    var senders: [String] { items.map(\.from).filter { PhoneNumber.e164($0) != nil }.unique }

    /// How many SMS the messages take in all.
    package var parts: Int { items.reduce(0) { $0 + SMSParts($1.content).count } }

    /// The same for the same messages, however the file was saved.
    var digest: String {
        var text: [UInt8] = []
        for item in items {
            let time = item.sendAt.map { String($0.microseconds) } ?? ""
            for part in [item.from, item.to, item.content, time] + item.attachments {
                text += "\(part.utf8.count) ".utf8
                text += part.utf8
            }
            text.append(0x0a)
        }
        return SHA256Digest.bytes(of: text).hexadecimal
    }

    /// Ends the upload when a rule is broken anywhere, that the numbers of ``senders`` are phones of the account included:
    /// `known` are.
    ///
    /// - Throws: ``BulkUploadErrors`` with everything that is wrong.
    func check(known: Set<String>) throws(BulkUploadErrors) {
        let problems = self.problems(known: known)
        if problems.isEmpty { return }
        let right = problems.contains { $0.rows.isEmpty } ? [] : items(without: problems)
        throw BulkUploadErrors(problems, rightRows: right.count)
    }

    /// Without the rows that something is wrong with.
    ///
    /// - Throws: ``BulkUploadErrors`` when the file as a whole is wrong, or no row is left.
    func leavingOutWrong(known: Set<String>) throws(BulkUploadErrors) -> BulkUpload {
        let problems = self.problems(known: known)
        var upload = self
        upload.items = items(without: problems)
        (upload.problems, upload.leftOut) = ([], problems)
        if upload.items.isEmpty || problems.contains(where: { $0.rows.isEmpty }) { throw BulkUploadErrors(problems) }
        return upload
    }

    private func items(without problems: [BulkProblem]) -> [Item] {
        let wrong = Set(problems.flatMap(\.rows))
        return items.filter { !wrong.contains($0.row) }
    }

    private func problems(known: Set<String>) -> [BulkProblem] {
        let rows = Dictionary(grouping: items, by: \.from)
        let foreign = senders.filter { !known.contains($0) }.map { number in
            BulkProblem(
                rows: (rows[number] ?? []).map(\.row), senderColumn,
                "The \(senderColumn ?? BulkColumn.from.rawValue) [\(Self.shown(number))] is not registered on your account",
                isShared: true)
        }
        return problems + foreign
    }

    /// Puts the values of rows into a text that all messages share.
    private struct Filling {
        private let text: PlaceholderText
        /// The rows without a value, by placeholders.
        private var missing: [String: [Int]] = [:]

        init(_ text: String) {
            self.text = PlaceholderText(text)
        }

        /// The text for `row`, whose message goes to `number`.
        mutating func content(for row: BulkRow, to number: String) -> String {
            let filled = text.filled(limit: BulkUpload.longestContent) { key in
                row.values[key] ?? (key == BulkMapping.number ? number : nil)
            }
            for name in filled.missing { missing[name, default: []].append(row.number) }
            return filled.text
        }

        var problems: [BulkProblem] {
            text.names.compactMap { name in
                missing[name].map { rows in
                    BulkProblem(rows: rows, nil, "There is nothing to put in the place of {{\(name)}}.", isShared: true)
                }
            }
        }
    }

    private static func item(
        _ row: BulkRow, of sheet: BulkSheet, sender: String?, _ filling: inout Filling?, zone: TimeZone,
        at now: Timestamp,
        problems: inout [BulkProblem]
    ) -> Item {
        func note(_ column: BulkColumn, _ reason: String, words: String? = nil) {
            if !row.unread.contains(column) {
                problems.append(BulkProblem(rows: [row.number], sheet.name(of: column), reason, words: words))
            }
        }
        func named(_ column: BulkColumn) -> String { sheet.name(of: column) ?? column.rawValue }
        let from = PhoneNumber.address(sender ?? row.from)
        let to = PhoneNumber.contact(row.to, owner: from)
        if PhoneNumber.e164(from) == nil {
            let cell = shown(sender ?? row.from)
            note(
                .from, "The \(named(.from)) [\(cell)] is not a valid E.164 phone number",
                words: noNumber(named(.from), cell))
        }
        if PhoneNumber.e164(to) == nil {
            note(
                .to, "The \(named(.to)) [\(shown(row.to))] is not a valid E.164 phone number",
                words: noNumber(named(.to), shown(row.to)))
        }
        let content = filling?.content(for: row, to: to) ?? row.content
        if content.isEmpty { note(.content, "The message content is required.") }
        if isTooLong(content) { note(.content, "The message content must be less than 1024 characters.") }
        let sendAt = row.sendTime.flatMap {
            SendTimeCell.time($0, of: named(.sendTime), zone: zone, at: now) { note(.sendTime, $0) }
        }
        let attachments = row.attachmentURLs.split(separator: ",", maxSplits: 100).map(\.trimmed).filter { !$0.isEmpty }
        if attachments.count > 10 { note(.attachmentURLs, "You cannot attach more than 10 files per message.") }
        for url in attachments.prefix(10) {
            switch FieldErrors.isAbsoluteURL(url) {
            case true: break
            case false where url.contains("://") && !url.hasPrefix("://"):
                note(.attachmentURLs, "The attachment URL [\(shown(url))] must use http or https.")
            case false: note(.attachmentURLs, "The attachment URL [\(shown(url))] has an invalid url format.")
            }
        }
        return Item(
            row: row.number, from: from, to: to, content: content, attachments: attachments, sendAt: sendAt)
    }

    /// What a page says of a cell that should hold a phone number.
    private static func noNumber(_ column: String, _ cell: String) -> String {
        cell.isEmpty
            ? "\(column) is empty. Write a phone number there, like +18005550100."
            : "\(column): \(cell) is not a phone number. Write it like +18005550100."
    }

    /// Whether a text is longer than 1,024 UTF-16 units, which is what an SMS counts.
    private static func isTooLong(_ content: String) -> Bool { content.utf16.count > longestContent }

    /// In UTF-16 units.
    static let longestContent = 1_024

    /// A cell in a sentence: so much of it that somebody finds it.
    package static func shown(_ cell: String) -> String {
        cell.unicodeScalars.count > 100 ? cell.firstScalars(100) + "…" : cell
    }
}
