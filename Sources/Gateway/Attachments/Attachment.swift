import Delivery
import Foundation
import Storage

/// A file that came with an inbound SMS, as the phone sends it.
struct InboundAttachment: Decodable, Sendable {
    let name: String?
    let contentType: String?
    /// Standard base64.
    let content: String?
}

/// A file of an inbound SMS that is kept.
struct StoredAttachment: Sendable {
    let messageID: MessageID
    /// Its place among the attachments that were kept, from 0.
    let index: Int
    /// 128 random bits in hexadecimal: the name on disk, and what makes the URL unguessable.
    let token: String
    /// The last part of the URL: the given name, the token, and the extension of the type.
    let fileName: String
    let contentType: String
    let byteCount: Int

    /// Where anybody who knows it can fetch the file (contract 4.9).
    func url(base: String, userID: UserID, message: MessageID) -> String {
        "\(base)/v1/attachments/\(userID)/\(message)/\(index)/\(fileName)"
    }
}

/// Which attachments are kept, and under what name.
enum AttachmentRules {
    /// Content type and extension, exact matches (contract 4.1.4).
    static let extensions: [String: String] = [
        "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp", "image/bmp": "bmp",
        "video/mp4": "mp4", "video/3gpp": "3gp", "audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/amr": "amr",
        "application/pdf": "pdf", "text/vcard": "vcf", "text/x-vcard": "vcf",
    ]

    /// As in httpSMS: 10 files, 1.5 MiB each, 3 MiB together.
    static let maximumCount = 10
    static let maximumBytes = 1_572_864
    static let maximumTotalBytes = 3_145_728

    /// What the rules allow of a message's attachments, and why not the rest; nil when all were kept.
    static func keep(
        _ attachments: [InboundAttachment], of message: MessageID
    ) -> (files: [KeptAttachment], note: String?) {
        var files: [KeptAttachment] = []
        var notes: [String] = []
        if attachments.count > maximumCount {
            notes.append("attachment count [\(attachments.count)] exceeds maximum of [\(maximumCount)]")
        }
        for (number, attachment) in attachments.prefix(maximumCount).enumerated() {
            let total = files.reduce(0) { $0 + $1.data.count }
            switch decode(attachment, index: number, total: total) {
            case .failure(let skipped): notes.append(skipped.reason)
            case .success(let data):
                let token = (0..<2).map { _ in String(format: "%016llx", UInt64.random(in: .min ... .max)) }.joined()
                let type = attachment.contentType ?? ""
                let stored = StoredAttachment(
                    messageID: message, index: files.count, token: token,
                    fileName: fileName(attachment.name, index: files.count, token: token, contentType: type),
                    contentType: type, byteCount: data.count)
                files.append(KeptAttachment(attachment: stored, data: data))
            }
        }
        return (files, notes.isEmpty ? nil : notes.joined(separator: "; "))
    }

    /// Decodes one attachment, or says why it is skipped.
    static func decode(_ attachment: InboundAttachment, index: Int, total: Int) -> Result<Data, Skipped> {
        let type = attachment.contentType ?? ""
        guard extensions[type] != nil else {
            return .failure(Skipped(reason: "attachment [\(index)] has unsupported content type [\(type.prefix(64))]"))
        }
        guard let content = attachment.content, let data = Data(base64Encoded: content) else {
            return .failure(Skipped(reason: "attachment [\(index)] has invalid base64 content"))
        }
        guard data.count <= maximumBytes else {
            return .failure(
                Skipped(
                    reason: "attachment [\(index)] size [\(data.count)] exceeds maximum of [\(maximumBytes)] bytes"))
        }
        guard total + data.count <= maximumTotalBytes else {
            return .failure(
                Skipped(
                    reason:
                        "total attachment size [\(total + data.count)] exceeds maximum of [\(maximumTotalBytes)] bytes")
            )
        }
        return .success(data)
    }

    /// Why an attachment was not kept.
    struct Skipped: Error {
        let reason: String
    }

    /// The given name without its extension and without what does not belong in a URL, then `-token.extension`.
    static func fileName(_ name: String?, index: Int, token: String, contentType: String) -> String {
        let stem = (name ?? "").prefix(100).split(separator: ".", omittingEmptySubsequences: false)
        let base = stem.count > 1 ? stem.dropLast().joined(separator: ".") : stem.joined()
        var kept = base.replacing(" ", with: "-").filter { character in
            character.isASCII && (character.isLetter || character.isNumber || character == "-" || character == "_")
        }
        while kept.first == "-" { kept.removeFirst() }
        while kept.last == "-" { kept.removeLast() }
        return "\(kept.isEmpty ? "attachment-\(index)" : kept)-\(token).\(extensions[contentType] ?? "bin")"
    }
}

/// `attachment_content` holds the bytes that are in no file; `attachment_garbage` names files whose message is gone.
enum AttachmentMigrations {
    static let all: [Migration] = [
        Migration(
            "attachments-1",
            [
                """
                CREATE TABLE attachment (
                    message_id \(.text) NOT NULL,
                    number \(.int64) NOT NULL,
                    user_id \(.text) NOT NULL,
                    token \(.text) NOT NULL,
                    file_name \(.text) NOT NULL,
                    content_type \(.text) NOT NULL,
                    byte_count \(.int64) NOT NULL,
                    PRIMARY KEY (message_id, number)
                ) \(.strict)
                """,
                "CREATE TABLE attachment_garbage (token \(.text) PRIMARY KEY) \(.strict)",
            ]),
        Migration(
            "attachments-2",
            [
                """
                CREATE TABLE attachment_content (
                    token \(.text) PRIMARY KEY,
                    content \(.blob) NOT NULL
                ) \(.strict)
                """
            ],
            indexes: [TableIndex("attachment_token", on: "attachment", "(token)")]),
    ]
}
