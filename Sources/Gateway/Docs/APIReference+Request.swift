import Foundation

extension APIReference {
    /// A request to copy: curl with the variables of the other pages, `$API` and the key that the operation takes.
    ///
    /// - Parameters:
    ///   - method: In small letters, as the document has it.
    ///   - path: With its parameters in braces, to be filled in.
    ///   - operation: What the document says of it.
    /// - Returns: Shell, on one line or more.
    func request(_ method: String, _ path: String, _ operation: [String: Any]) -> String {
        let method = method == "get" ? "" : "-X \(method.uppercased()) "
        let body = contents(of: resolved(object(operation["requestBody"]))).first.map { Self.body($0, $1) } ?? []
        let lines = ["curl \(method)\"$API\(path)\"\(key(of: operation))"] + body
        return lines.joined(separator: " \\\n  ")
    }

    /// The header that says who asks; empty when nobody has to.
    private func key(of operation: [String: Any]) -> String {
        let names = list(operation["security"] ?? document["security"]).flatMap(\.keys)
        if names.contains("userKey") { return " -H \"x-api-key: $USER_KEY\"" }
        return names.contains("metricsToken") ? " -H \"Authorization: Bearer $METRICS_TOKEN\"" : ""
    }

    /// The arguments that send a body.
    private static func body(_ media: String, _ content: [String: Any]) -> [String] {
        if media.hasPrefix("multipart/") { return ["-F document=@messages.csv"] }
        let named = (content["examples"] as? [String: Any])?.values.compactMap { ($0 as? [String: Any])?["value"] }
            .first
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed]
        let example = (content["example"] ?? named).flatMap {
            // What was read as JSON can be written as JSON.
            try? JSONSerialization.data(withJSONObject: $0, options: options)
        }
        let data = example.map { quoted(String(decoding: $0, as: UTF8.self)) } ?? "@body.json"
        return ["-H 'Content-Type: \(media)'", "-d \(data)"]
    }

    /// `text` as one word of a shell.
    private static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    /// Who may call, as the document's security schemes say it.
    var authentication: String {
        let schemes = object(object(document["components"])["securitySchemes"])
        return "<h2><a id=\"authentication\"></a>Authentication</h2>\n"
            + "<p>Most operations take the key of an account, which the dashboard shows under <em>Account</em>. The requests on this "
            + "page have it in <code>$USER_KEY</code>, and the server's address in <code>$API</code>.</p>\n"
            + table(
                ["who", "how", ""],
                schemes.keys.sorted().map { name in
                    let scheme = object(schemes[name])
                    let isBearer = scheme["scheme"] as? String == "bearer"
                    let how = isBearer ? "Authorization: Bearer ..." : "\(scheme["name"] as? String ?? ""): ..."
                    return [escape(name), "<code>\(escape(how))</code>", markdown(scheme["description"])]
                })
    }

    /// Links to everything on the page, operations by tag.
    func links(to tags: [String]) -> String {
        let groups = tags.map { tag in
            let links = (operations(in: "paths", of: tag) + operations(in: "webhooks", of: tag)).map {
                path, method, operation in
                let heading = heading(method, path)
                let id = escape(operation["operationId"] as? String ?? "")
                return
                    "<li><a href=\"#\(id)\"><code>\(escape(heading))</code></a> \(markdown(operation["summary"]))</li>\n"
            }
            return "<li><a href=\"#\(Markdown.anchor(tag))\">\(escape(tag))</a>\n<ul>\n\(links.joined())</ul></li>\n"
        }
        return "<ul>\n<li><a href=\"#authentication\">Authentication</a></li>\n\(groups.joined())"
            + "<li><a href=\"#schemas\">Schemas</a></li>\n</ul>\n"
    }
}
