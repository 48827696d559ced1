import Delivery
import Gateway
import Wire

/// The fields of a webhook's form that say which headers its requests carry beside ours. Values are never shown again.
struct HeaderFields: Sendable {
    /// A header on each line, `Name: value`; a value that is left out stays.
    private var lines = ""
    private var basicUser = ""
    private var basicPassword: String?

    /// What the page shows of them.
    struct Content: Sendable {
        let lines: String
        let basicUser: String
        let headerProblems: [String]
        let basicProblems: [String]
    }

    init() {}

    init(_ headers: EndpointHeaders) {
        lines = headers.fields.map { "\($0.name):" }.joined(separator: "\n")
        basicUser = headers.basic?.user ?? ""
    }

    init(_ form: PageForm) {
        lines = form.secret("headers").replacingBytes("\r\n", with: "\n")
        basicUser = form.text("basic_user")
        let password = form.secret("basic_password")
        basicPassword = password.isEmpty ? nil : password
    }

    /// What they ask for.
    var update: HeaderUpdate {
        let fields = lines.split(separator: "\n").map { line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? String(parts[1]).trimmed : ""
            return HeaderUpdate.Field(name: String(parts[0]), value: value.isEmpty ? nil : value)
        }
        return HeaderUpdate(
            headers: .value(fields.filter { !$0.name.trimmed.isEmpty }),
            basicUser: basicUser.isEmpty ? .null : .value(basicUser),
            basicPassword: basicPassword.map { .value($0) } ?? .absent)
    }

    /// Whether there are none, and nothing is wrong with them.
    func isPlain(problems: [String: [String]]) -> Bool {
        lines.isEmpty && basicUser.isEmpty
            && ["headers", "basic_user", "basic_password"].allSatisfy { problems[$0] == nil }
    }

    /// What was typed is shown again after a mistake, without values.
    func content(problems: [String: [String]]) -> Content {
        Content(
            lines: lines.split(separator: "\n").map { "\($0.prefix { $0 != ":" }):" }.joined(separator: "\n"),
            basicUser: basicUser, headerProblems: problems["headers"] ?? [],
            basicProblems: (problems["basic_user"] ?? []) + (problems["basic_password"] ?? []))
    }
}
