import Delivery
import Foundation
import Storage
import Wire

/// A file that came with an inbound SMS, as the phone sends it.
struct InboundAttachment: Decodable, Sendable {
    let name: ToldText?
    let contentType: ToldText?
    /// Base64.
    let content: ToldText?
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

    /// Where anybody who knows it can fetch the file.
    func url(base: String, userID: UserID, message: MessageID) -> String {
        "\(base)/v1/attachments/\(userID)/\(message)/\(index)/\(fileName)"
    }
}

/// Which attachments are kept, and under what name.
enum AttachmentRules {
    /// Content type and extension.
    static let extensions: [String: String] = [
        "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp", "image/bmp": "bmp",
        "video/mp4": "mp4", "video/3gpp": "3gp", "audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/amr": "amr",
        "application/pdf": "pdf", "text/vcard": "vcf", "text/x-vcard": "vcf",
    ]

    /// Other names of these types, as phones and carriers write them.
    static let aliases: [String: String] = [
        "image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png",
        "image/x-bmp": "image/bmp", "image/x-ms-bmp": "image/bmp", "video/3gp": "video/3gpp",
        "video/mpeg4": "video/mp4", "video/x-mp4": "video/mp4", "video/x-m4v": "video/mp4", "audio/mp3": "audio/mpeg",
        "audio/mpg": "audio/mpeg", "audio/mpeg3": "audio/mpeg", "audio/x-mp3": "audio/mpeg",
        "audio/x-mpeg": "audio/mpeg", "audio/x-mpeg-3": "audio/mpeg", "application/ogg": "audio/ogg",
        "audio/x-ogg": "audio/ogg", "audio/amr-nb": "audio/amr", "audio/x-amr": "audio/amr",
        "application/x-pdf": "application/pdf", "application/vcard": "text/vcard",
        "application/x-vcard": "text/vcard", "text/directory": "text/vcard",
    ]

    /// What any other file is kept as: no browser does anything with it.
    static let anyType = "application/octet-stream"

    /// The type that a file is kept as: without case and parameters, and under its usual name.
    static func contentType(_ told: String) -> String {
        let type = String(told.prefix { $0 != ";" && $0 != "," }).trimmed.lowercased()
        let usual = aliases[type] ?? type
        return extensions[usual] == nil ? anyType : usual
    }

    /// As in httpSMS: 10 files, 1.5 MiB each, 3 MiB together.
    static let maximumCount = 10
    static let maximumBytes = 1_572_864
    static let maximumTotalBytes = 3_145_728

    /// What the rules allow of a message's attachments, and what is odd about the rest.
    static func keep(
        _ attachments: [InboundAttachment?], of message: MessageID
    ) -> (files: [KeptAttachment], notes: [String]) {
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
                let told = attachment?.contentType?.text ?? ""
                let type = contentType(told)
                if type == anyType, told.lowercased() != anyType {
                    notes.append("attachment [\(number)] of type [\(told.firstScalars(64))] is kept as [\(anyType)]")
                }
                let name = attachment?.name?.text
                let stored = StoredAttachment(
                    messageID: message, index: files.count, token: token,
                    fileName: fileName(name, index: files.count, token: token, contentType: type),
                    contentType: type, byteCount: data.count)
                files.append(KeptAttachment(attachment: stored, data: data))
            }
        }
        return (files, notes)
    }

    /// Decodes one attachment, nil for one that is not an object, or says why it is skipped.
    static func decode(_ attachment: InboundAttachment?, index: Int, total: Int) -> Result<Data, Skipped> {
        guard let content = attachment?.content?.text, let data = bytes(ofBase64: content) else {
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

    /// Reads base64 as encoders write it: in lines (RFC 2045), without padding, with the alphabet of URLs (RFC 4648,
    /// section 5), or in a `data:` URL. Nil for anything else.
    static func bytes(ofBase64 text: String) -> Data? {
        if let data = Data(base64Encoded: text) { return data }
        var digits = text.utf8[...]
        if text.hasPrefix("data:"), let comma = digits.prefix(256).firstIndex(of: UInt8(ascii: ",")) {
            digits = digits[digits.index(after: comma)...]
        }
        var clean: [UInt8] = []
        clean.reserveCapacity(digits.count + 3)
        for digit in digits {
            switch digit {
            case 0x20, 0x09, 0x0a, 0x0d: continue
            case UInt8(ascii: "-"): clean.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): clean.append(UInt8(ascii: "/"))
            default: clean.append(digit)
            }
        }
        while clean.last == UInt8(ascii: "=") { clean.removeLast() }
        while clean.count % 4 != 0 { clean.append(UInt8(ascii: "=")) }
        return Data(base64Encoded: Data(clean))
    }

    /// Why an attachment was not kept.
    struct Skipped: Error {
        let reason: String
    }

    /// The given name without its extension and without what does not belong in a URL, then `-token.extension`.
    static func fileName(_ name: String?, index: Int, token: String, contentType: String) -> String {
        let stem = (name ?? "").prefix(100).split(separator: ".", omittingEmptySubsequences: false)
        let base = stem.count > 1 ? stem.dropLast().joined(separator: ".") : stem.joined()
        var kept = base.replacingBytes(" ", with: "-").filter { character in
            character.isASCII && (character.isLetter || character.isNumber || character == "-" || character == "_")
        }
        while kept.first == "-" { kept.removeFirst() }
        while kept.last == "-" { kept.removeLast() }
        return "\(kept.isEmpty ? "attachment-\(index)" : kept)-\(token).\(extensions[contentType] ?? "bin")"
    }
}

/// `attachment_content` holds the bytes that are in no file; `attachment_garbage` names files whose message is gone;
/// `attachment_owner` has one row, by which a folder names this store.
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
        Migration(
            "attachments-3",
            [
                """
                CREATE TABLE attachment_owner (
                    id \(.int64) PRIMARY KEY,
                    store_id \(.text) NOT NULL
                ) \(.strict)
                """
            ]),
    ]
}
