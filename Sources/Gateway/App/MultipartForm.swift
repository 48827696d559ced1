import Foundation

/// The file of a `multipart/form-data` body (RFC 7578).
struct UploadedFile: Sendable {
    /// As the client calls it; empty when it does not.
    let name: String
    /// The part's `Content-Type`, lower-cased and without parameters; empty when there is none.
    let contentType: String
    let bytes: Data

    /// Finds the part `field` in a body.
    ///
    /// - Throws: `APIError` 400 when the body is no form, or has no such part.
    init(_ field: String, in body: Data, contentType header: String?) throws(APIError) {
        let form = try MultipartForm(body, contentType: header)
        guard let file = form.parts.first(where: { $0.name == field }).map(UploadedFile.init) else {
            throw APIError.badRequest("the form has no file in its field \(field)")
        }
        self = file
    }

    /// The file that is in a part.
    init(_ part: MultipartForm.Part) {
        self.init(name: part.fileName ?? "", contentType: part.contentType, bytes: part.bytes)
    }

    /// A file that did not come in a form.
    init(name: String, contentType: String, bytes: Data) {
        self.name = name
        self.contentType = contentType
        self.bytes = bytes
    }
}

/// A `multipart/form-data` body.
struct MultipartForm: Sendable {
    /// A field or a file.
    struct Part: Sendable {
        let name: String
        /// Nil for what is no file.
        let fileName: String?
        /// Lower-cased and without parameters; empty when there is none.
        let contentType: String
        let bytes: Data
    }

    /// In the order of the body; parts without a name are left out.
    let parts: [Part]

    /// Reads a body.
    ///
    /// - Throws: `APIError` 400 when the body is no form.
    init(_ body: Data, contentType header: String?) throws(APIError) {
        guard let header, header.lowercased().hasPrefix("multipart/form-data"),
            let boundary = Self.parameter("boundary", of: header), !boundary.isEmpty, boundary.utf8.count <= 70
        else { throw APIError.badRequest("the Content-Type header must be multipart/form-data with a boundary") }
        parts = Self.parts(of: body, boundary: boundary).compactMap(Self.part)
    }

    private static func part(_ part: Data) -> Part? {
        guard let end = part.range(of: Data("\r\n\r\n".utf8)) else { return nil }
        // Header lines of browsers and libraries are UTF-8; what is not is repaired, as only names are read from it.
        let lines = String(decoding: part[part.startIndex..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let headers = lines.reduce(into: [String: String]()) { headers, line in
            let pair = line.split(separator: ":", maxSplits: 1)
            if pair.count == 2 { headers[pair[0].lowercased()] = pair[1].trimmed }
        }
        let disposition = headers["content-disposition"] ?? ""
        guard let name = parameter("name", of: disposition) else { return nil }
        return Part(
            name: name, fileName: parameter("filename", of: disposition),
            contentType: (headers["content-type"] ?? "").split(separator: ";").first?.trimmed.lowercased() ?? "",
            bytes: Data(part[end.upperBound...]))
    }

    /// What stands between the boundaries.
    private static func parts(of body: Data, boundary: String) -> [Data] {
        // The first boundary has no line break before it.
        let body = Data("\r\n".utf8) + body
        let delimiter = Data("\r\n--\(boundary)".utf8)
        var parts: [Data] = []
        var start: Data.Index?
        var index = body.startIndex
        while let found = body.range(of: delimiter, in: index..<body.endIndex) {
            if let start { parts.append(body[start..<found.lowerBound]) }
            if body[found.upperBound...].starts(with: "--".utf8) { return parts }
            guard let line = body.range(of: Data("\r\n".utf8), in: found.upperBound..<body.endIndex) else { break }
            // A part without headers begins with an empty line, which belongs to what is found next.
            start = line.upperBound
            index = line.lowerBound
        }
        return parts
    }

    /// The parameter `name` of a header such as `form-data; name="document"`.
    private static func parameter(_ name: String, of header: String) -> String? {
        var rest = header[...]
        while let semicolon = rest.firstIndex(of: ";") {
            rest = rest[rest.index(after: semicolon)...]
            guard let equals = rest.firstIndex(of: "=") else { return nil }
            let found = rest[..<equals].trimmed.lowercased()
            rest = rest[rest.index(after: equals)...]
            var value = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while let character = rest.popFirst(), character != "\"" {
                    // Browsers escape a quote as %22, others with a backslash.
                    value.append(character == "\\" ? rest.popFirst() ?? "\\" : character)
                }
            } else {
                value = rest.prefix { $0 != ";" }.trimmed
            }
            if found == name { return value }
        }
        return nil
    }
}
