import CLibZip
import Foundation

/// The uploads that cost most of those that are taken: each is answered with an error, after all the work was done.
struct HostileUpload: Sendable {
    let path: String
    let contentType: String
    let body: [UInt8]

    /// One of each kind.
    ///
    /// - Parameter folder: Where the workbook is made.
    /// - Returns: Requests that any account may make.
    /// - Throws: When the workbook cannot be made.
    static func all(in folder: URL) throws -> [HostileUpload] {
        [
            form("a.csv", Array((header + String(repeating: ",", count: 95) + "\n" + table).utf8)),
            form("a.csv", Array(repeating: UInt8(ascii: "\r"), count: 4_900_000)),
            form("a.txt", Array(repeating: UInt8(ascii: "\r"), count: 5_900_000)),
            form("a.xlsx", try workbook(in: folder)),
            HostileUpload(
                path: "/v1/messages/receive", contentType: "application/json",
                body: Array("{\"content\":\"\(String(repeating: "\\u00e9", count: 2_700_000))\"}".utf8)),
        ]
    }

    private static let header = "FromPhoneNumber,ToPhoneNumber,Content,SendTime(optional),AttachmentURLs(optional)"

    /// A thousand rows of a hundred columns that break every rule.
    private static let table = String(
        repeating: "+1800,\(String(repeating: "1", count: 64)),\(String(repeating: "e\u{301}", count: 1_100)),tomorrow,"
            + Array(repeating: "x:/y", count: 90).joined(separator: ";") + String(repeating: ",", count: 95) + "\n",
        count: 1_000)

    private static func form(_ name: String, _ file: [UInt8]) -> HostileUpload {
        let part = "--x\r\nContent-Disposition: form-data; name=\"document\"; filename=\"\(name)\"\r\n\r\n"
        return HostileUpload(
            path: "/v1/bulk-messages", contentType: "multipart/form-data; boundary=x",
            body: Array(part.utf8) + file + Array("\r\n--x--\r\n".utf8))
    }

    /// As many tags, attributes and references as a workbook may have, 15 MiB of them in few bytes.
    private static func workbook(in folder: URL) throws -> [UInt8] {
        let attributes = (0..<60).map { " a\($0)='&#65;'" }.joined()
        let cell = "<c t='str'\(attributes)/>"
        let row = "<row>" + String(repeating: cell, count: 10) + "</row>"
        let sheet = Array(
            "<worksheet><sheetData>\(String(repeating: row, count: 15_000_000 / row.utf8.count))</sheetData></worksheet>"
                .utf8)
        let file = folder.appendingPathComponent("hostile.xlsx")
        guard let archive = zip_open(file.path, Int32(ZIP_CREATE | ZIP_TRUNCATE), nil) else {
            throw BenchFailure("\(file.path) cannot be written")
        }
        return try sheet.withUnsafeBytes { bytes in
            // libzip reads the buffer when the archive is closed.
            guard let source = zip_source_buffer(archive, bytes.baseAddress, zip_uint64_t(bytes.count), 0),
                zip_file_add(archive, "xl/worksheets/sheet1.xml", source, 0) >= 0, zip_close(archive) == 0
            else { throw BenchFailure("\(file.path) cannot be written") }
            return Array(try Data(contentsOf: file))
        }
    }
}
