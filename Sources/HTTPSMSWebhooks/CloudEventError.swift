/// Why a request body is not an event.
public enum CloudEventError: Error, Sendable, Hashable {
    /// The body is not JSON in UTF-8; `offset` counts bytes from 0.
    case malformedJSON(reason: String, offset: Int)
    /// The body is JSON but not an object.
    case notAnObject
    /// A member of the envelope is absent.
    case missing(attribute: String)
    /// A member of the envelope has a value that it cannot have.
    case invalid(attribute: String, reason: String)
    /// `specversion` is something else than `1.0`.
    case unsupportedVersion(String)
    /// `data` does not fit the type; `path` names the member, such as `timestamp`, and is empty for the data itself.
    case invalidData(type: String, path: String, reason: String)
}

extension CloudEventError: CustomStringConvertible {
    /// One sentence for a log or an answer; it never contains message text.
    public var description: String {
        switch self {
        case .malformedJSON(let reason, let offset): "The body is not valid JSON: \(reason) at byte \(offset)."
        case .notAnObject: "The body is not a JSON object."
        case .missing(let attribute): "The event has no member \"\(attribute)\"."
        case .invalid(let attribute, let reason): "The member \"\(attribute)\" of the event is invalid: \(reason)."
        case .unsupportedVersion(let version): "The specversion \"\(version)\" is not supported, only \"1.0\" is."
        case .invalidData(let type, "", let reason): "The data of \"\(type)\" is invalid: \(reason)."
        case .invalidData(let type, let path, let reason):
            "The member \"\(path)\" in the data of \"\(type)\" is invalid: \(reason)."
        }
    }
}
