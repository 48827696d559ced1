/// Why a text is not a callback URL; the description is made for the person who typed it.
package enum CallbackURLError: Error, Hashable, CustomStringConvertible {
    /// Longer than ``CallbackURL/maximumLength``.
    case tooLong
    /// A control character, a space or a backslash.
    case invalidCharacter
    /// Neither `http://` nor `https://`.
    case unsupportedScheme
    /// Nothing between the scheme and the path.
    case missingHost
    /// `user:password@` before the host.
    case userInfo
    /// A host with letters beyond ASCII.
    case internationalHost
    /// A host that is neither a name nor an address; the text says what is wrong.
    case invalidHost(String)
    /// A port that is not a number from 1 to 65535.
    case invalidPort
    /// A `%` that is not followed by two hexadecimal digits.
    case invalidPercentEncoding

    /// One clause that says what is allowed, without a full stop.
    package var description: String {
        switch self {
        case .tooLong: "the URL must be at most \(CallbackURL.maximumLength) bytes long"
        case .invalidCharacter: "the URL must not contain spaces, control characters or backslashes"
        case .unsupportedScheme: "the URL must start with http:// or https://"
        case .missingHost: "the URL must name a host"
        case .userInfo: "the URL must not contain a user name or a password"
        case .internationalHost: "the host must be written in ASCII; use its punycode form (xn--...)"
        case .invalidHost(let problem): "the host is invalid: \(problem)"
        case .invalidPort: "the port must be a number from 1 to 65535"
        case .invalidPercentEncoding: "each % must be followed by two hexadecimal digits"
        }
    }
}
