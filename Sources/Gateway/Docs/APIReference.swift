import Delivery
import Foundation

/// `openapi.json` as a page for people: every operation by its tag, the events, and the schemas.
struct APIReference {
    let document: [String: Any]

    /// The description that this server carries; nil only when it cannot be read.
    static var standard: APIReference? {
        APIReference(json: Document.all.first { $0.name == "openapi.json" }?.text ?? "")
    }

    /// - Parameter json: An OpenAPI 3.1 document.
    init?(json: String) {
        // The document is our own, and a test reads this page.
        guard let document = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any] else {
            return nil
        }
        self.document = document
    }

    /// The content of the page.
    var html: String {
        let tags = list(document["tags"]).compactMap { $0["name"] as? String }
        let info = object(document["info"])
        var html = "<h1>The API</h1>\n<p>\(markdown(info["summary"]))</p>\n"
        html += "<p>This page is generated from <a href=\"/docs/openapi.json\">openapi.json</a>.</p>\n"
        html += links(to: tags) + authentication
        for tag in tags { html += section(tag) }
        html += "<h2><a id=\"schemas\"></a>Schemas</h2>\n"
        let schemas = object(object(document["components"])["schemas"])
        for name in schemas.keys.sorted() {
            html += "<h3><a id=\"schema-\(name)\"></a>\(escape(name))</h3>\n" + schema(object(schemas[name]))
        }
        return html
    }

    /// Every operation and event by its heading and its anchor on the page, with what is said of it.
    var operations: [(heading: String, id: String, text: String)] {
        list(document["tags"]).compactMap { $0["name"] as? String }.flatMap { tag in
            operations(in: "paths", of: tag) + operations(in: "webhooks", of: tag)
        }.map { path, method, operation in
            let texts = [operation["summary"], operation["description"]].compactMap { $0 as? String }
            return (heading(method, path), operation["operationId"] as? String ?? "", texts.joined(separator: " "))
        }
    }

    private func section(_ tag: String) -> String {
        let all = operations(in: "paths", of: tag) + operations(in: "webhooks", of: tag)
        return "<h2><a id=\"\(Markdown.anchor(tag))\"></a>\(escape(tag))</h2>\n"
            + all.map { operation($0, $1, $2) }.joined()
    }

    /// What an operation is called on the page; events have no method, and their paths no slash.
    func heading(_ method: String, _ path: String) -> String {
        path.hasPrefix("/") ? "\(method.uppercased()) \(path)" : "Webhook: \(path)"
    }

    func operations(
        in part: String, of tag: String
    ) -> [(path: String, method: String, operation: [String: Any])] {
        let paths = object(document[part])
        return paths.keys.sorted().flatMap { path in
            ["get", "post", "put", "patch", "delete"].compactMap { method in
                let operation = object(object(paths[path])[method])
                guard (operation["tags"] as? [String])?.contains(tag) == true else { return nil }
                return (path, method, operation)
            }
        }
    }

    private func operation(_ path: String, _ method: String, _ operation: [String: Any]) -> String {
        let id = operation["operationId"] as? String ?? ""
        var html = "<h3><a id=\"\(escape(id))\"></a><code>\(escape(heading(method, path)))</code></h3>\n"
        html += "<p>\(markdown(operation["summary"]))</p>\n" + "<p>\(markdown(operation["description"]))</p>\n"
        if path.hasPrefix("/") { html += "<pre><code>\(escape(request(method, path, operation)))</code></pre>\n" }
        let parameters = list(operation["parameters"]).map(resolved)
        html += table(
            ["parameter", "in", "type", ""],
            parameters.map { parameter in
                [
                    "<code>\(text(parameter["name"]))</code>\(parameter["required"] as? Bool == true ? " *" : "")",
                    text(parameter["in"]), type(object(parameter["schema"])), markdown(parameter["description"]),
                ]
            })
        for (media, content) in contents(of: resolved(object(operation["requestBody"]))) {
            html += "<h4>Request: \(escape(media))</h4>\n" + body(content)
        }
        let responses = object(operation["responses"])
        html += table(
            ["status", "", "body"],
            responses.keys.sorted().map { status in
                let response = resolved(object(responses[status]))
                let bodies = contents(of: response).map { type(object($0.content["schema"])) }
                return [status, markdown(response["description"]), bodies.joined(separator: ", ")]
            })
        return html
    }

    /// A request's body: its schema by name, or its fields, and an example.
    private func body(_ content: [String: Any]) -> String {
        let schema = object(content["schema"])
        let html = schema["$ref"] == nil ? self.schema(schema) : "<p>\(type(schema))</p>\n"
        let named = object(content["examples"]).values.compactMap { object($0)["value"] }.first
        guard let example = content["example"] ?? named else { return html }
        return html + code(example)
    }

    private func schema(_ schema: [String: Any]) -> String {
        let required = schema["required"] as? [String] ?? []
        let fields = object(schema["properties"])
        let html = "<p>\(markdown(schema["description"]))</p>\n"
        if fields.isEmpty {
            // An event names what all have, and has members of its own.
            let own = list(schema["allOf"]).filter { $0["$ref"] == nil }
            return html + "<p>\(type(schema))</p>\n" + own.map(self.schema).joined()
        }
        return html
            + table(
                ["field", "type", ""],
                fields.keys.sorted { (required.contains($0) ? 0 : 1, $0) < (required.contains($1) ? 0 : 1, $1) }.map {
                    let field = object(fields[$0])
                    return [
                        "<code>\(escape($0))</code>\(required.contains($0) ? " *" : "")", type(field),
                        markdown(field["description"]),
                    ]
                })
    }

    /// What a value is, in a few words, with links to schemas.
    private func type(_ schema: [String: Any]) -> String {
        if let reference = schema["$ref"] as? String {
            let name = escape(String(reference.split(separator: "/").last ?? ""))
            return "<a href=\"#schema-\(name)\">\(name)</a>"
        }
        for key in ["oneOf", "anyOf", "allOf"] where schema[key] != nil {
            return list(schema[key]).map(type).joined(separator: key == "allOf" ? " and " : " or ")
        }
        if let items = schema["items"] { return "list of " + type(object(items)) }
        if let values = schema["enum"] as? [Any] {
            return values.map { "<code>\(text($0))</code>" }.joined(separator: " or ")
        }
        if let constant = schema["const"] { return "<code>\(text(constant))</code>" }
        if let data = object(schema["properties"])["data"] { return "envelope of " + type(object(data)) }
        let names = schema["type"] as? [String] ?? (schema["type"] as? String).map { [$0] } ?? ["any"]
        let format = (schema["format"] as? String).map { " (\(escape($0)))" } ?? ""
        return names.map(escape).joined(separator: " or ") + format
    }

    func contents(of value: [String: Any]) -> [(media: String, content: [String: Any])] {
        let contents = object(value["content"])
        return contents.keys.sorted().map { ($0, object(contents[$0])) }
    }

    /// What a `$ref` into this document names; the value itself when it is none.
    func resolved(_ value: [String: Any]) -> [String: Any] {
        guard let reference = value["$ref"] as? String else { return value }
        return reference.split(separator: "/").dropFirst().reduce(document) { object($0[String($1)]) }
    }

    func table(_ head: [String], _ rows: [[String]]) -> String {
        if rows.isEmpty { return "" }
        let heading = head.map { $0.isEmpty ? "<td></td>" : "<th scope=\"col\">\($0)</th>" }.joined()
        let body = rows.map { "<tr>" + $0.map { "<td>\($0)</td>" }.joined() + "</tr>\n" }.joined()
        return "<table tabindex=\"0\">\n<thead><tr>\(heading)</tr></thead>\n<tbody>\n\(body)</tbody>\n</table>\n"
    }

    private func code(_ value: Any) -> String {
        let options: JSONSerialization.WritingOptions = [
            .prettyPrinted, .sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed,
        ]
        // What was read as JSON can be written as JSON.
        let data = (try? JSONSerialization.data(withJSONObject: value, options: options)) ?? Data()
        return "<pre><code>\(escape(String(decoding: data, as: UTF8.self)))</code></pre>\n"
    }

    /// A description's Markdown without the paragraph around it.
    func markdown(_ value: Any?) -> String {
        guard let text = value as? String else { return "" }
        let html = Markdown.html(text, address: DocumentationRoutes.address)
        return html.hasPrefix("<p>") && html.hasSuffix("</p>\n") ? String(html.dropFirst(3).dropLast(5)) : html
    }

    private func text(_ value: Any?) -> String { value.map { escape("\($0)") } ?? "" }
    func escape(_ text: String) -> String { MarkupText.escaped(text) }
    func object(_ value: Any?) -> [String: Any] { value as? [String: Any] ?? [:] }
    func list(_ value: Any?) -> [[String: Any]] { value as? [[String: Any]] ?? [] }
}
