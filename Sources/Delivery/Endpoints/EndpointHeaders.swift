import Foundation
import Secrets

/// What the requests of a webhook carry beside our own headers. Values are secrets: they are stored sealed and never shown.
package struct EndpointHeaders: Sendable, Hashable {
    /// A header.
    package struct Field: Sendable, Hashable {
        /// The name, as the user wrote it.
        package let name: String
        /// The value.
        package let value: Secret<String>

        /// Names both.
        package init(name: String, value: Secret<String>) {
            self.name = name
            self.value = value
        }
    }

    /// A user and a password for Basic authorization (RFC 7617).
    package struct Basic: Sendable, Hashable {
        /// The user, which has no colon.
        package let user: String
        /// The password; may be empty.
        package let password: Secret<String>

        /// Names both.
        package init(user: String, password: Secret<String>) {
            self.user = user
            self.password = password
        }
    }

    /// In the order in which they are sent.
    package let fields: [Field]
    /// Makes an `Authorization` header; nil for none.
    package let basic: Basic?

    /// Nothing.
    package static let none = EndpointHeaders(fields: [], basic: nil)

    /// Names all.
    package init(fields: [Field], basic: Basic?) {
        self.fields = fields
        self.basic = basic
    }

    /// Whether there is nothing.
    package var isEmpty: Bool { fields.isEmpty && basic == nil }

    /// Whether an `Authorization` header is among them, which a signed request has of its own.
    package var hasAuthorization: Bool { basic != nil || fields.contains { $0.name.lowercased() == "authorization" } }

    /// What is sent; without `Authorization` where the request is signed.
    func list(isSigned: Bool) -> DeliveryHeaders.List {
        if isEmpty { return [] }
        var all: DeliveryHeaders.List = fields.map { (name: $0.name, value: $0.value.exposed) }
        if let basic {
            let pair = Data("\(basic.user):\(basic.password.exposed)".utf8).base64EncodedString()
            all.append(("Authorization", "Basic \(pair)"))
        }
        return isSigned ? all.filter { $0.name.lowercased() != "authorization" } : all
    }
}

/// Which names a user may choose.
extension EndpointHeaders {
    /// Ours beside those that frame or route a request.
    private static let ours: Set<String> = ["content-type", "content-encoding", "user-agent", "x-event-type"]

    /// Whether `name` can be the name of a header.
    package static func isName(_ name: String) -> Bool { RequestHead.isToken(name) }

    /// Whether this server sets the header `name`, or must.
    package static func isReserved(_ name: String) -> Bool {
        let name = name.lowercased()
        return RequestHead.reservedNames.contains(name) || ours.contains(name) || name.hasPrefix("x-httpsms-")
            || name.hasPrefix("webhook-")
    }
}

/// What is sealed as one text.
extension EndpointHeaders {
    private struct Stored: Codable {
        var fields: [[String]]
        var basic: [String]?
    }

    /// The text to be sealed; nil for nothing.
    ///
    /// - Throws: When it cannot be encoded, which no text causes.
    func encoded() throws -> String? {
        if isEmpty { return nil }
        let stored = Stored(
            fields: fields.map { [$0.name, $0.value.exposed] }, basic: basic.map { [$0.user, $0.password.exposed] })
        return String(decoding: try JSONEncoder().encode(stored), as: UTF8.self)
    }

    /// Reads what was sealed; nil when it is none.
    init?(encoded text: String) {
        // What is none is an answer, as a value that does not open.
        guard let stored = try? JSONDecoder().decode(Stored.self, from: Data(text.utf8)),
            stored.fields.allSatisfy({ $0.count == 2 }), stored.basic.map({ $0.count == 2 }) ?? true
        else { return nil }
        fields = stored.fields.map { Field(name: $0[0], value: Secret($0[1])) }
        basic = stored.basic.map { Basic(user: $0[0], password: Secret($0[1])) }
    }
}
