import Delivery
import Secrets
import Wire

/// What a body says of the headers that a webhook's requests carry beside ours.
package struct HeaderUpdate: Decodable, Sendable {
    /// All of them; one without a value keeps the value that there is.
    var headers: Patch<[Field]> = .absent
    /// Who Basic authorization names; null ends it.
    var basicUser: Patch<String> = .absent
    /// Its password; absent or null keeps the one that there is.
    var basicPassword: Patch<String> = .absent

    /// Its members of the body of a webhook.
    enum Member: String, CodingKey {
        case headers, basicUser, basicPassword
    }

    /// Reads the members that are its own.
    package init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        headers = try members.patch(forKey: .headers)
        basicUser = try members.patch(forKey: .basicUser)
        basicPassword = try members.patch(forKey: .basicPassword)
    }

    /// Says what becomes of each; what is left out stays.
    package init(
        headers: Patch<[Field]> = .absent, basicUser: Patch<String> = .absent, basicPassword: Patch<String> = .absent
    ) {
        (self.headers, self.basicUser, self.basicPassword) = (headers, basicUser, basicPassword)
    }

    /// A header as it is written in JSON.
    package struct Field: Decodable, Sendable {
        /// The header's name.
        package var name: String
        var value: String?

        /// A header; nil keeps the value that there is.
        package init(name: String, value: String?) { (self.name, self.value) = (name, value) }
    }

    /// 20 headers, 8 KiB in all: many servers take no more than 8 KiB of them.
    static let maximum = (count: 20, bytes: 8 * 1_024)

    /// What `current` becomes. `isSigned` is whether requests have an `Authorization` header of ours.
    func headers(over current: EndpointHeaders, isSigned: Bool, _ errors: inout FieldErrors) -> EndpointHeaders {
        let fields = self.fields(over: current, &errors)
        let basic = self.basic(over: current.basic, &errors)
        let result = EndpointHeaders(fields: fields, basic: basic)
        let named = fields.contains { $0.name.lowercased() == "authorization" }
        if named, basic != nil {
            errors.add("headers", "The headers field must not have Authorization beside a basic_user")
        }
        if isSigned, result.hasAuthorization {
            errors.add(
                named ? "headers" : "basic_user",
                "Requests that are signed have an Authorization header of their own: remove the signing_key first")
        }
        return result
    }

    private func fields(over current: EndpointHeaders, _ errors: inout FieldErrors) -> [EndpointHeaders.Field] {
        guard !headers.isAbsent else { return current.fields }
        let given = headers.value ?? []
        errors.requireCount("headers", given, max: Self.maximum.count)
        var fields: [EndpointHeaders.Field] = []
        for field in given.prefix(Self.maximum.count) {
            let name = field.name.trimmed
            if let fault = Self.fault(ofName: name) {
                errors.add("headers", fault)
                continue
            }
            guard !fields.contains(where: { $0.name.lowercased() == name.lowercased() }) else {
                errors.add("headers", "The headers field names \(name) twice")
                continue
            }
            let kept = current.fields.first { $0.name.lowercased() == name.lowercased() }?.value
            guard let value = field.value.map({ Secret($0.trimmed) }) ?? kept else {
                errors.add("headers", "The header \(name) has no value yet: it must be given")
                continue
            }
            // Visible ASCII, space and tab (RFC 9110, 5.5).
            guard value.exposed.utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x09 }), !value.exposed.isEmpty
            else {
                errors.add("headers", "The value of the header \(name) must be visible ASCII, spaces and tabs")
                continue
            }
            fields.append(EndpointHeaders.Field(name: name, value: value))
        }
        let bytes = fields.map { $0.name.utf8.count + $0.value.exposed.utf8.count + 4 }.reduce(0, +)
        if bytes > Self.maximum.bytes {
            errors.add("headers", "The headers field must have at most \(Self.maximum.bytes) bytes in all")
        }
        return fields
    }

    /// What is wrong with a name; nil when nothing is.
    private static func fault(ofName name: String) -> String? {
        guard name.utf8.count <= 64, EndpointHeaders.isName(name) else {
            return "A name in the headers field must be at most 64 letters, digits and hyphens, such as X-Api-Key"
        }
        return EndpointHeaders.isReserved(name) ? "The header \(name) is set by this server" : nil
    }

    private func basic(
        over current: EndpointHeaders.Basic?, _ errors: inout FieldErrors
    ) -> EndpointHeaders.Basic? {
        guard let user = basicUser.applied(to: current?.user), !user.isEmpty else { return nil }
        errors.requireBytes("basic_user", user, max: 255)
        if user.contains(":") || Self.hasControls(user) {
            errors.add("basic_user", "The basic_user field must not have a colon or control characters")
        }
        guard let password = basicPassword.value.map({ Secret($0) }) ?? current?.password else {
            errors.add("basic_password", "The basic_password field is required with the basic_user field")
            return nil
        }
        errors.requireBytes("basic_password", password.exposed, max: 255)
        if Self.hasControls(password.exposed) {
            errors.add("basic_password", "The basic_password field must not have control characters")
        }
        return EndpointHeaders.Basic(user: user, password: password)
    }

    private static func hasControls(_ text: String) -> Bool {
        text.utf8.contains { $0 < 0x20 || $0 == 0x7F }
    }
}
