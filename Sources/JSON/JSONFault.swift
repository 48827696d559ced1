/// Why a document cannot be taken apart by ``JSONScanner``.
package enum JSONFault: Error, Sendable, Hashable {
    /// The document is not JSON in UTF-8; `offset` counts bytes from 0.
    case malformed(reason: String, offset: Int)
    /// The document is JSON, but not an object.
    case notAnObject
}
