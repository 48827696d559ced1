/// The file of a `multipart/form-data` body (RFC 7578).
package struct UploadedFile: Sendable {
    /// As the client calls it; empty when it does not.
    package let name: String
    /// The part's `Content-Type`, lower-cased and without parameters; empty when there is none.
    package let contentType: String
    /// What the client says its text is in, lower-cased; nil when it does not.
    package let charset: String?
    /// A piece of the body, which it keeps in memory.
    package let bytes: ArraySlice<UInt8>

    /// Finds the part `field` in a body.
    ///
    /// - Throws: ``Refusal`` `.malformed` when the body is not a form, or has no such part.
    package init(_ field: String, in body: [UInt8], contentType header: String?) throws(Refusal) {
        let form = try MultipartForm(body, contentType: header)
        guard let file = form.parts.first(where: { $0.name == field }).map(UploadedFile.init) else {
            throw Refusal.malformed("the form has no file in its field \(field)")
        }
        self = file
    }

    /// The file that is in a part.
    package init(_ part: MultipartForm.Part) {
        self.init(name: part.fileName ?? "", contentType: part.contentType, charset: part.charset, bytes: part.bytes)
    }

    /// A file that did not come in a form.
    package init(name: String, contentType: String, charset: String? = nil, bytes: ArraySlice<UInt8>) {
        self.name = name
        self.contentType = contentType
        self.charset = charset
        self.bytes = bytes
    }
}
