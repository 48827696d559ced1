import Crypto
import HTTPTypes
import Hummingbird

/// The two cookies of the pages.
enum Cookies {
    /// What a cookie is for.
    enum Name: String {
        /// Holds the token of a session.
        case session = "httpsms"
        /// Holds the token of forms, before there is a session.
        case form = "httpsms-form"

        /// Over TLS, `__Host-` keeps subdomains and plain HTTP from setting it. Without TLS it has another name, so that
        /// what was set there never counts over TLS.
        func full(isSecure: Bool) -> String { isSecure ? "__Host-\(rawValue)" : rawValue }
    }

    /// The value that the browser sent; nil when there is none that can be a token.
    static func value(_ name: Name, _ request: Request, isSecure: Bool) -> String? {
        let prefix = name.full(isSecure: isSecure) + "="
        for header in request.headers[values: .cookie] {
            for pair in header.split(separator: ";") {
                let pair = pair.trimmed
                guard pair.hasPrefix(prefix) else { continue }
                let value = String(pair.dropFirst(prefix.count))
                if RandomToken.isToken(value) { return value }
            }
        }
        return nil
    }

    /// Sets a cookie for `lifetime`, nil until the browser is closed; an empty value and no time left take it away.
    static func field(_ name: Name, _ value: String, isSecure: Bool, lifetime: Duration?) -> HTTPField {
        var text = "\(name.full(isSecure: isSecure))=\(value); Path=/; HttpOnly; SameSite=Lax"
        if isSecure { text += "; Secure" }
        if let lifetime { text += "; Max-Age=\(lifetime.components.seconds)" }
        return HTTPField(name: .setCookie, value: text)
    }
}

/// Tokens that cannot be guessed: 256 bits as 64 hexadecimal digits.
enum RandomToken {
    /// Draws one.
    static func make() -> String {
        SymmetricKey(size: .bits256).withUnsafeBytes { bytes in
            bytes.reduce(into: "") { text, byte in
                text.append(Self.digits[Int(byte >> 4)])
                text.append(Self.digits[Int(byte & 15)])
            }
        }
    }

    /// Whether `text` has the form of one.
    static func isToken(_ text: String) -> Bool {
        text.utf8.count == 64 && text.allSatisfy(digits.contains)
    }

    /// Compares in the same time whatever differs.
    static func areEqual(_ left: String, _ right: String) -> Bool {
        SymmetricKey(data: Array(left.utf8)) == SymmetricKey(data: Array(right.utf8))
    }

    private static let digits = Array("0123456789abcdef")
}
