import Foundation
import TestSupport
import Testing

/// `openapi.json` tells of every route and of nothing else, and answers are what it says.
@Suite(.timeLimit(.minutes(15))) struct OpenAPITests {
    private static let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../openapi.json")
        .standardized

    /// The document.
    private static func document() throws -> JSON {
        try JSONDecoder().decode(JSON.self, from: Data(contentsOf: file))
    }

    @Test func everyRouteIsDescribedAndNoOther() async throws {
        let paths = try Self.document()["paths"].object
        let described = paths.flatMap { path, item in
            item.object.keys.filter { $0 != "parameters" }.map { "\($0.uppercased()) \(path)" }
        }
        try await withServer { server in
            #expect(server.routes.sorted() == described.sorted())
        }
    }

    /// Calls that show each status of most routes.
    private static let calls: [(method: String, path: String, body: JSON)] = [
        ("GET", "/health/ready", .absent),
        ("GET", "/v1/users/me", .absent),
        ("GET", "/v1/phones", .absent),
        ("GET", "/v1/phones?limit=x", .absent),
        ("PUT", "/v1/phones", ["phone_number": "+18005550199"]),
        ("PUT", "/v1/phones", ["phone_number": "x"]),
        ("PUT", "/v1/phones", ["phone_number": 1]),
        ("PUT", "/v1/phones/fcm-token", ["phone_number": "+18005550199", "fcm_token": ""]),
        ("DELETE", "/v1/phones/{unknown}", .absent),
        ("DELETE", "/v1/phones/x", .absent),
        ("GET", "/v1/phone-api-keys", .absent),
        ("POST", "/v1/phone-api-keys", ["name": "key"]),
        ("POST", "/v1/phone-api-keys", ["name": ""]),
        ("DELETE", "/v1/phone-api-keys/{unknown}", .absent),
        ("DELETE", "/v1/phone-api-keys/{unknown}/phones/{unknown}", .absent),
        ("POST", "/v1/devices/pairings", ["numbers": [["sim": "SIM2", "phone_number": "+18005550188"]]]),
        ("POST", "/v1/devices/pairings", [:]),
        ("GET", "/v1/devices", .absent),
        ("GET", "/v1/devices?limit=x", .absent),
        ("DELETE", "/v1/devices/{unknown}", .absent),
        ("DELETE", "/v1/devices/x", .absent),
        ("POST", "/v1/heartbeats", ["phone_numbers": ["+18005550199"]]),
        ("POST", "/v1/heartbeats", [:]),
        ("GET", "/v1/heartbeats?owner=%2B18005550199", .absent),
        ("POST", "/v1/messages/receive", ["to": "+18005550199", "from": "+18005550100", "content": "Hello"]),
        ("POST", "/v1/messages/receive", [:]),
        ("POST", "/v1/messages/calls/missed", ["to": "+18005550199", "from": "+18005550100"]),
        ("POST", "/v1/messages/calls/missed", [:]),
        ("POST", "/v1/messages/send", ["from": "+18005550199", "to": "+18005550100", "content": "Hi"]),
        ("POST", "/v1/messages/send", [:]),
        (
            "POST", "/v1/messages/send",
            ["from": "+18005550199", "to": "+18005550100", "content": "Hi", "callback_url": "http://8.8.8.8/"]
        ),
        ("GET", "/v1/alerts", .absent),
        ("GET", "/v1/alerts/settings", .absent),
        ("PUT", "/v1/alerts/settings", ["quiet_from": "22:00", "quiet_until": "07:00"]),
        ("PUT", "/v1/alerts/settings", ["quiet_from": "late"]),
        ("POST", "/v1/alerts/webhooks", ["url": "http://8.8.8.8/", "payload_format": "ntfy"]),
        ("POST", "/v1/alerts/webhooks", ["url": ""]),
        ("GET", "/v1/alerts/webhooks", .absent),
        ("POST", "/v1/alerts/webhooks/{unknown}/test", .absent),
        ("DELETE", "/v1/alerts/webhooks/{unknown}", .absent),
        ("DELETE", "/v1/alerts/webhooks/x", .absent),
        ("GET", "/v1/callbacks", .absent),
        ("GET", "/v1/callbacks?limit=x", .absent),
        ("GET", "/v1/messages?owner=%2B18005550199&contact=%2B18005550100", .absent),
        ("GET", "/v1/messages", .absent),
        ("GET", "/v1/messages/outstanding?message_id={message}", .absent),
        ("GET", "/v1/messages/outstanding?message_id={message}", .absent),
        ("POST", "/v1/messages/{message}/events", ["event_name": "DELIVERED"]),
        ("POST", "/v1/messages/{message}.1/events", ["event_name": "DELIVERED"]),
        ("POST", "/v1/messages/{message}/events", ["event_name": "LOST"]),
        ("POST", "/v1/messages/{unknown}/events", ["event_name": "SENT"]),
        ("GET", "/v1/messages/{message}", .absent),
        ("PUT", "/v1/messages/{message}", ["content": "Later"]),
        ("PUT", "/v1/messages/{unknown}", [:]),
        ("PUT", "/v1/messages/x", [:]),
        ("GET", "/v1/messages/{unknown}", .absent),
        ("POST", "/v1/messages/bulk-send", ["from": "+18005550199", "to": ["+18005550100"], "content": "Hi"]),
        ("POST", "/v1/messages/bulk-send", [:]),
        ("GET", "/v1/messages/search?types=mobile-terminated&sort_descending=true", .absent),
        ("GET", "/v1/messages/search?types=fax", .absent),
        ("GET", "/v1/messages/search?sort_descending=x", .absent),
        ("GET", "/v1/message-threads?owner=%2B18005550199", .absent),
        ("GET", "/v1/message-threads", .absent),
        ("PUT", "/v1/message-threads/{unknown}", ["is_read": true]),
        ("PUT", "/v1/message-threads/{unknown}", [:]),
        ("DELETE", "/v1/message-threads/{unknown}", .absent),
        ("GET", "/v1/bulk-messages", .absent),
        ("POST", "/v1/bulk-messages", [:]),
        ("PUT", "/v1/users/me", ["timezone": "UTC"]),
        ("PUT", "/v1/users/me", ["timezone": "x"]),
        ("PUT", "/v1/users/other/notifications", ["webhook_enabled": true]),
        ("DELETE", "/v1/messages/{message}", .absent),
        ("GET", "/v1/webhooks", .absent),
        ("POST", "/v1/webhooks", ["url": "http://10.0.0.1/"]),
        ("PUT", "/v1/webhooks/{webhook}", ["signing_key": "other"]),
        ("PUT", "/v1/webhooks/{unknown}", [:]),
        ("GET", "/v1/webhooks/{webhook}", .absent),
        ("GET", "/v1/webhooks/{unknown}", .absent),
        ("POST", "/v1/webhooks/{webhook}/test", .absent),
        ("POST", "/v1/webhooks/{webhook}/test", ["event": "lost"]),
        ("POST", "/v1/webhooks/{webhook}/pause", .absent),
        ("POST", "/v1/webhooks/{webhook}/resume", ["rate_per_second": 0]),
        ("POST", "/v1/webhooks/{webhook}/resume", .absent),
        ("POST", "/v1/webhooks/{webhook}/rotate", .absent),
        ("POST", "/v1/webhooks/{webhook}/rotate/finish", .absent),
        ("POST", "/v1/webhooks/{unknown}/rotate/finish", .absent),
        ("GET", "/v1/webhooks/{webhook}/deliveries", .absent),
        ("GET", "/v1/webhooks/{webhook}/deliveries?status=lost", .absent),
        ("POST", "/v1/webhooks/{webhook}/replay", ["since": "2026-07-22T10:00:00Z", "statuses": ["unmatched"]]),
        ("POST", "/v1/webhooks/{webhook}/replay", .absent),
        ("GET", "/v1/replays/{unknown}", .absent),
        ("GET", "/v1/deliveries/{delivery}", .absent),
        ("GET", "/v1/deliveries/{unknown}", .absent),
        ("POST", "/v1/deliveries/{delivery}/retry", .absent),
        ("GET", "/v1/attention", .absent),
        ("POST", "/v1/access-keys", ["name": "a", "scopes": ["messages:read"]]),
        ("POST", "/v1/access-keys", [:]),
        ("GET", "/v1/access-keys", .absent),
        ("GET", "/v1/access-keys?limit=x", .absent),
        ("DELETE", "/v1/access-keys/{unknown}", .absent),
        ("POST", "/v1/contacts", [["name": "Ann", "phone_numbers": ["+18005550100"]]]),
        ("POST", "/v1/contacts", [:]),
        ("GET", "/v1/contacts", .absent),
        ("GET", "/v1/contacts?limit=x", .absent),
        ("PUT", "/v1/contacts/{unknown}", ["name": "Ann", "phone_numbers": ["+18005550100"]]),
        ("PUT", "/v1/contacts/{unknown}", [:]),
        ("DELETE", "/v1/contacts/{unknown}", .absent),
        ("DELETE", "/v1/contacts/x", .absent),
        ("POST", "/v1/texts", ["name": "Ready", "content": "Hello {{name}}"]),
        ("POST", "/v1/texts", [:]),
        ("GET", "/v1/texts", .absent),
        ("GET", "/v1/texts?limit=x", .absent),
        ("GET", "/v1/texts/{text}", .absent),
        ("GET", "/v1/texts/{unknown}", .absent),
        ("GET", "/v1/texts/x", .absent),
        ("PUT", "/v1/texts/{text}", ["name": "Ready", "content": "Hello"]),
        ("PUT", "/v1/texts/{text}", [:]),
        ("PUT", "/v1/texts/{unknown}", ["name": "Ready", "content": "Hello"]),
        ("DELETE", "/v1/texts/{text}", .absent),
        ("DELETE", "/v1/texts/{unknown}", .absent),
        ("DELETE", "/v1/texts/x", .absent),
        ("GET", "/v1/events", .absent),
        ("GET", "/v1/events?types=lost", .absent),
        ("GET", "/v1/events/{unknown}", .absent),
        ("GET", "/v1/event-types", .absent),
        ("GET", "/v1/forwarders", .absent),
        ("POST", "/v1/forwarders", ["name": "a", "numbers": [["sim": "SIM2", "phone_number": "+18005550199"]]]),
        ("POST", "/v1/forwarders", [:]),
        ("GET", "/v1/forwarders/{forwarder}", .absent),
        ("GET", "/v1/forwarders/{unknown}", .absent),
        ("GET", "/v1/forwarders/x", .absent),
        ("GET", "/v1/inbound/{token}?text=a", .absent),
        ("PATCH", "/v1/inbound/{token}", [:]),
        ("PUT", "/v1/inbound/x", [:]),
        ("DELETE", "/v1/forwarders/{forwarder}", .absent),
        ("DELETE", "/v1/forwarders/{unknown}", .absent),
        ("GET", "/metrics", .absent),
        ("GET", "/v1/attachments/{unknown}/{unknown}/0/x", .absent),
        ("DELETE", "/v1/webhooks/{webhook}", .absent),
        ("DELETE", "/v1/users/other/api-keys", .absent),
        ("DELETE", "/v1/users/me", .absent),
    ]

    @Test func answersAreWhatTheDocumentSays() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            _ = try await DevicePhone.make(
                server, account, numbers: [["sim": "SIM2", "phone_number": "+18005550188"]])
            let webhook = try await account.makeWebhook("http://127.0.0.1:1/hook")["id"].string
            let delivery = try await account.client.post("/v1/webhooks/\(webhook)/test", [:]).data["id"].string
            let forwarder = try await account.client.post(
                "/v1/forwarders",
                [
                    "name": "b", "template": ["content": "/text"], "preset": "gammu",
                    "numbers": [["sim": "SIM1", "phone_number": "+18005550199"]],
                ]
            ).data
            let token = forwarder["url"].string.split(separator: "/").last.map(String.init) ?? ""
            _ = try await server.client.post("/v1/inbound/\(token)", ["from": "+18005550100", "text": "Hello"])
            let text = try await account.client.post("/v1/texts", ["name": "a", "content": "b"]).data["id"].string
            let ids = [
                "{text}": text,
                "{forwarder}": forwarder["id"].string, "{token}": token, "{unknown}": unknownID,
                "{message}": try await account.send()["id"].string, "{webhook}": webhook,
                "{delivery}": delivery,
            ]
            var samples: [JSON] = []
            for call in Self.calls {
                let path = ids.reduce(call.path) { $0.replacing($1.key, with: $1.value) }
                let answer =
                    call.body == .absent
                    ? try await account.client.send(call.method, path)
                    : try await account.client.send(call.method, path, call.body)
                let withoutKey = try await server.client.send(call.method, path)
                for answer in ["/v1/attachments", "/metrics", "/v1/inbound"].contains(where: path.hasPrefix)
                    ? [answer] : [answer, withoutKey]
                {
                    samples.append([
                        "method": .string(call.method.lowercased()), "path": .string(path),
                        "status": .int(answer.status), "text": .string(answer.text),
                        "type": .string(answer.header("Content-Type") ?? ""),
                    ])
                }
            }

            let complaints = try await Self.complaints(about: samples)

            #expect(complaints == [])
            #expect(Set(samples.map { $0["status"] }) == [200, 201, 202, 204, 400, 401, 404, 409, 422])
        }
    }

    /// Answers are named, so that generated clients have names for them, and shown.
    @Test func everyJSONAnswerHasANameAndAnExampleThatFits() async throws {
        let document = try Self.document()
        var (samples, nameless): ([JSON], [String]) = ([], [])
        for (path, item) in document["paths"].object where !path.hasPrefix("/docs/") {
            for (method, operation) in item.object where method != "parameters" {
                for (status, described) in operation["responses"].object {
                    let name = described["$ref"].string.split(separator: "/").last.map(String.init) ?? ""
                    let response = name.isEmpty ? described : document["components"]["responses"][name]
                    let content = response["content"]["application/json"]
                    if content == .absent { continue }
                    if content["schema"]["$ref"] == .absent { nameless.append("\(method) \(path) \(status)") }
                    var examples = content["examples"].object.values.map { $0["value"] }
                    if content["example"] != .absent { examples.append(content["example"]) }
                    #expect(!examples.isEmpty, "\(method) \(path) \(status) has no example")
                    samples += try examples.map { example in
                        [
                            "method": .string(method), "path": .string(path), "status": .string(status),
                            "text": .string(String(decoding: try JSONEncoder().encode(example), as: UTF8.self)),
                            "type": "application/json",
                        ]
                    }
                }
            }
        }

        #expect(nameless == [])
        #expect(samples.count > 400)
        #expect(try await Self.complaints(about: samples) == [])
    }

    /// What generators trip over, or call `Status3` and `InlineObject`.
    @Test func everyEnumAndObjectHasANameAndNothingIsNullOnly() throws {
        let document = try Self.document()
        var found: [String] = []
        func look(_ value: JSON, at path: [String]) {
            let isNamed = path.count == 3 && path[1] == "schemas"
            if value["enum"].array.count > 1, !isNamed { found.append("enum at \(path)") }
            let isAlternative = path.last.map { Int($0) != nil } ?? false
            if value["type"] == "null", !isAlternative { found.append("null at \(path)") }
            let isPart = path.dropLast().last == "allOf"
            if value["type"] == "object", !value["properties"].object.isEmpty, !isNamed, !isPart {
                found.append("object at \(path)")
            }
            for (name, part) in value.object where !["example", "examples"].contains(name) {
                look(part, at: path + [name])
            }
            for (index, part) in value.array.enumerated() { look(part, at: path + ["\(index)"]) }
        }
        look(document, at: [])

        #expect(found == [])
    }

    /// Clients go by `type`: each type leads to one model, which is of that type.
    @Test func everyEventHasAModelOfItsOwn() throws {
        let document = try Self.document()
        let schemas = document["components"]["schemas"]
        let types = schemas["EventType"]["enum"].array.map(\.string)
        let told = ["AlertCause", "AuditEventType"].flatMap { schemas[$0]["enum"].array.map(\.string) }
        let models = schemas["WebhookEvent"]["discriminator"]["mapping"].object

        #expect(schemas["DeliveryEventType"]["enum"].array.map(\.string) == types + told)
        #expect(models.keys.sorted() == types.sorted())
        #expect(Set(schemas["WebhookEvent"]["oneOf"].array.map { $0["$ref"].string }).count == types.count)
        for (type, model) in models {
            let name = model.string.split(separator: "/").last.map(String.init) ?? ""
            let own: JSON = schemas[name]["allOf"].array.last ?? .absent
            #expect(own["properties"]["type"]["enum"].array.map(\.string) == [type], "\(name)")
            #expect(schemas["WebhookEvent"]["oneOf"].array.contains { $0["$ref"] == model }, "\(name)")
        }
        let delivered = schemas["DeliveredEvent"]["discriminator"]["mapping"].object
        #expect(delivered.keys.sorted() == (types + told).sorted())
        for (type, model) in delivered {
            let other = type == "audit.recorded" ? "AuditEvent" : "AlertEvent"
            let expected = models[type] ?? .string("#/components/schemas/\(other)")
            #expect(model == expected, "\(type)")
        }
    }

    /// A generator makes a file of each tag: what is called and what is sent to webhooks would overwrite one another.
    @Test func everyOperationHasATagAndThoseOfWebhooksAreOthers() throws {
        let document = try Self.document()
        func tags(_ part: String) -> [[String]] {
            document[part].object.values.flatMap { item in
                item.object.filter { $0.key != "parameters" }.values.map { $0["tags"].array.map(\.string) }
            }
        }
        let (called, sent) = (tags("paths"), tags("webhooks"))
        let declared = Set(document["tags"].array.map { $0["name"].string })

        #expect((called + sent).allSatisfy { $0.count == 1 })
        let (ofCalls, ofWebhooks) = (Set(called.flatMap { $0 }), Set(sent.flatMap { $0 }))
        #expect(ofCalls.isDisjoint(with: ofWebhooks))
        #expect(ofCalls.union(ofWebhooks) == declared)
    }

    /// What the Python validator of JSON Schema has to say, one line for each answer that is not described.
    private static func complaints(about samples: [JSON]) async throws -> [String] {
        let interpreter = try #require(
            ProcessInfo.processInfo.environment["HTTPSMS_PYTHON"],
            "HTTPSMS_PYTHON does not name a Python with the packages of Tests/requirements.txt; `make test` sets it")
        let process = Process()
        process.executableURL = URL(filePath: interpreter)
        process.arguments = ["-B", "-c", script, file.path]
        let (input, output) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput) = (input, output)
        let ended = AsyncStream<Void> { continuation in
            process.terminationHandler = { _ in continuation.finish() }
        }
        try process.run()
        // The script reads all before it writes, and writes less than the 64 KiB that a pipe holds.
        try input.fileHandleForWriting.write(contentsOf: JSONEncoder().encode(samples))
        try input.fileHandleForWriting.close()
        for await _ in ended {}
        let answer = try output.fileHandleForReading.readToEnd() ?? Data()
        return try JSONDecoder().decode([String].self, from: answer)
    }

    private static let script = #"""
        import json, re, sys
        from jsonschema import Draft202012Validator, FormatChecker
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT202012

        document = json.load(open(sys.argv[1]))
        registry = Registry().with_resource("urn:api", Resource(contents=document, specification=DRAFT202012))

        def resolved(value):
            while "$ref" in value:
                target = document
                for part in value["$ref"].removeprefix("#/").split("/"):
                    target = target[part.replace("~1", "/")]
                value = target
            return value

        def described(path):
            path = path.split("?")[0]
            found = [p for p in document["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", p), path)]
            return document["paths"][min(found, key=lambda p: p.count("{"))]

        def anchored(schema):
            # References are relative to the document.
            return json.loads(json.dumps(schema).replace('"#/', '"urn:api#/'))

        def complaint(sample):
            responses = described(sample["path"])[sample["method"]]["responses"]
            if str(sample["status"]) not in responses:
                return "this status is not described"
            response = resolved(responses[str(sample["status"])])
            kind = sample["type"].split(";")[0]
            content = response.get("content", {})
            if not content:
                return "a body is not described" if sample["text"] else None
            if kind not in content:
                return f"{kind} is not described"
            value = json.loads(sample["text"]) if kind == "application/json" else sample["text"]
            validator = Draft202012Validator(
                anchored(content[kind]["schema"]), registry=registry, format_checker=FormatChecker())
            errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
            return "; ".join(errors) or None

        complaints = []
        for sample in json.load(sys.stdin):
            trouble = complaint(sample)
            if trouble:
                complaints.append(f"{sample['method']} {sample['path']} {sample['status']}: {trouble}")
        json.dump(complaints, sys.stdout)
        """#
}
