import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

@testable import Dashboard
@testable import Gateway

extension FuzzTarget {
    /// What browsers and clients send besides JSON.
    static let forms: [FuzzTarget] = [multipart, multipartHeader, formQuery, cookies]

    /// A form with the boundary `B`.
    private static let multipart = FuzzTarget(
        "multipart",
        words: [
            "--B\r\n", "\r\n--B", "--B--", "\r\n\r\n", "Content-Disposition: form-data; ", "name=\"a\"",
            "filename=\"b\"",
            "Content-Type: text/csv", "; ", "\\\"",
        ]
    ) { bytes in
        guard let parts = try? MultipartForm(bytes, contentType: "multipart/form-data; boundary=B").parts else {
            return
        }
        let sizes = parts.reduce(0) { $0 + $1.bytes.count }
        try hold(parts.count <= MultipartForm.maximumParts, "\(parts.count) parts are taken")
        try hold(sizes <= bytes.count, "the parts are larger than the form")
        // What was read, written again with a boundary that no part holds.
        let boundary = "b\(UInt64(bitPattern: Int64(bytes.hashValue)))"
        var form: [UInt8] = []
        for part in parts {
            form += "--\(boundary)\r\nContent-Disposition: form-data; name=\(quoted(part.name))".utf8
            if let fileName = part.fileName { form += "; filename=\(quoted(fileName))".utf8 }
            form += "\r\nContent-Type: \(part.contentType)\r\n\r\n".utf8 + part.bytes + "\r\n".utf8
        }
        form += "--\(boundary)--\r\n".utf8
        let again = try MultipartForm(form, contentType: "multipart/form-data; boundary=\(boundary)").parts
        try hold(again.map(\.name) == parts.map(\.name), "the names of the parts differ when they are read again")
        try hold(
            again.map(\.fileName) == parts.map(\.fileName), "the names of the files differ when they are read again")
        try hold(again.map(\.bytes) == parts.map(\.bytes), "the bytes of the parts differ when they are read again")
    }

    /// The first line is the Content-Type, the rest the form.
    private static let multipartHeader = FuzzTarget(
        "multipart-header", words: ["multipart/form-data", "boundary=", "boundary=\"", ";", "B"]
    ) { bytes in
        let (header, body) = bytes.firstLine
        _ = try? MultipartForm(body, contentType: header.text)
    }

    private static let formQuery = FuzzTarget(
        waiting: "form-query", words: ["skip=", "limit=", "query=", "%", "%00", "%F0%9F", "&", "+", "[]=", "a=1"]
    ) { bytes in
        let parameters = QueryParameters(query: bytes.text)
        var errors = FieldErrors()
        let page = Page(parameters, limit: 20, errors: &errors)
        try hold((0...100).contains(page.limit) && page.skip >= 0, "the page is out of bounds: \(page)")
        _ = parameters.rawNumber("owner")
        // An encoded value comes out as it went in.
        let text = bytes.text
        let encoded = text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let decoded = QueryParameters(query: "a=1&\(encoded)=\(encoded)&b")
        try hold(decoded[text] == text || text == "a" || text == "b" || text.isEmpty, "a value differs: \(encoded)")

        let form = HTTPRequest(
            method: .post, scheme: "http", authority: "localhost", path: "/",
            headerFields: [.contentType: "application/x-www-form-urlencoded"])
        let request = Request(head: form, body: RequestBody(buffer: ByteBuffer(bytes: bytes)))
        if let form = try? await PageForm(of: request, files: nil) {
            for name in ["a", "skip", "query"] {
                try hold(!form.text(name).utf8.contains(0), "a field holds a NUL")
                try hold(form.list(name).allSatisfy { !$0.utf8.contains(0) }, "a list holds a NUL")
            }
        }
    }

    private static let cookies = FuzzTarget(
        "cookies", upTo: 1_024,
        words: ["httpsms=", "__Host-httpsms=", "httpsms-form=", "; ", String(repeating: "0123456789abcdef", count: 4)]
    ) { bytes in
        // A header field cannot hold these; the server refuses the request before.
        let text = bytes.text.filter { !$0.isNewline && $0 != "\0" }
        var head = HTTPRequest(method: .get, scheme: "http", authority: "localhost", path: "/")
        head.headerFields.append(HTTPField(name: .cookie, value: text))
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer()))
        for isSecure in [true, false] {
            for name in [Cookies.Name.session, .form] {
                guard let value = Cookies.value(name, request, isSecure: isSecure) else { continue }
                try hold(value.utf8.count == 64 && value.utf8.allSatisfy(isHexDigit), "no token: \(value)")
                try hold(text.contains(value), "a token that nobody sent: \(value)")
            }
        }
    }

    private static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars.reduce(into: "") { text, scalar in
            if scalar == "\"" || scalar == "\\" { text.unicodeScalars.append("\\") }
            text.unicodeScalars.append(scalar)
        }
        return "\"\(scalars)\""
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
