import Delivery
import Foundation
import HTTPSMSWebhooks
import TestSupport
import Testing

@testable import Dashboard
@testable import Gateway

/// The code that verifies signatures, run by the languages themselves on what the server really sent.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct SnippetTests {
    /// How a language is asked: a program that reads `{"headers": ..., "body": ...}` lines and writes `true` or `false`.
    private struct Runner {
        let snippet: VerificationSnippet
        let command: [String]
        let file: String
        let tail: String
    }

    private static let runners = [
        Runner(
            snippet: .python,
            command: [ProcessInfo.processInfo.environment["HTTPSMS_PYTHON"] ?? "/usr/bin/python3"], file: "verify.py",
            tail: """

                import sys
                for line in sys.stdin:
                    request = json.loads(line)
                    print(str(is_genuine(request["headers"], request["body"].encode())).lower())
                """),
        Runner(
            snippet: .node, command: ["/usr/bin/node"], file: "verify.mjs",
            tail: """

                import { readFileSync } from "node:fs";
                for (const line of readFileSync(0, "utf8").split("\\n").filter(Boolean)) {
                  const request = JSON.parse(line);
                  console.log(isGenuine(request.headers, Buffer.from(request.body)));
                }
                """),
        Runner(
            snippet: .php, command: ["/usr/bin/php"], file: "verify.php",
            tail: """

                while (($line = fgets(STDIN)) !== false) {
                    $request = json_decode($line, true);
                    echo is_genuine($request['headers'], $request['body']) ? "true\\n" : "false\\n";
                }
                """),
        Runner(
            snippet: .ruby, command: ["/usr/bin/ruby"], file: "verify.rb",
            tail: """

                STDIN.each_line do |line|
                  request = JSON.parse(line)
                  puts genuine?(request["headers"], request["body"]) ? "true" : "false"
                end
                """),
        Runner(
            snippet: .go, command: ["/usr/bin/go", "run"], file: "verify.go",
            tail: """

                func main() {
                \tlines := bufio.NewScanner(os.Stdin)
                \tfor lines.Scan() {
                \t\tvar request struct {
                \t\t\tHeaders map[string]string
                \t\t\tBody    string
                \t\t}
                \t\tjson.Unmarshal(lines.Bytes(), &request)
                \t\tfmt.Println(IsGenuine(request.Headers, []byte(request.Body)))
                \t}
                }
                """),
    ]

    /// Python is always there, as other tests need it; the rest where they are installed.
    private static var available: [Runner] {
        runners.filter { $0.snippet == .python || FileManager.default.isExecutableFile(atPath: $0.command[0]) }
    }

    @Test func everySnippetTellsWhatIsGenuine() async throws {
        try await WebhookReceiver.run { _, _ in
            .status(200)
        } body: { receiver in
            try await withServer { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                let url = receiver.url("/hook'$(id)#{1}")
                let key = #"it's "a" \key\ #{1} $x"#
                try await account.makeWebhook(url, key: key)
                _ = try await phone.receive(["from": "+18005550100", "content": "Grüße 👋 'x'"])
                let request = try await receiver.requests(1)[0]
                let headers = Dictionary(request.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
                func line(_ headers: [String: String], _ body: String) throws -> String {
                    let fields: [String: Any] = ["headers": headers, "body": body]
                    return String(decoding: try JSONSerialization.data(withJSONObject: fields), as: UTF8.self)
                }
                let lines = try [
                    line(headers, request.text), line(headers, request.text + " "),
                    line(headers.merging(["webhook-timestamp": "1"]) { $1 }, request.text),
                    line(headers.merging(["webhook-id": "other"]) { $1 }, request.text),
                    line(headers.merging(["authorization": "Bearer a.b.c"]) { $1 }, request.text), line([:], ""),
                ]
                let genuine = ["true"] + Array(repeating: "false", count: lines.count - 1)
                let nothing = Array(repeating: "false", count: lines.count)

                for runner in Self.available {
                    let name = runner.snippet.name
                    let right = runner.snippet.code(url: url, key: key)
                    #expect(try Self.run(runner, right, lines) == genuine, "\(name)")
                    if runner.snippet == .go { continue }  // Each build of it takes seconds.
                    for other in [
                        runner.snippet.code(url: url, key: nil),
                        runner.snippet.code(url: "https://example.com", key: key),
                    ] {
                        #expect(try Self.run(runner, other, lines) == nothing, "\(name)")
                    }
                }
            }
        }
    }

    @Test func theKeyIsFilledInAfterThePasswordOnly() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let id = try await account.makeWebhook("http://127.0.0.1:1/<hook>", key: "the-key")["id"].string
            let page = PageClient(baseURL: server.baseURL)
            _ = try await page.submit(
                "/first-sign-in", on: "/first-sign-in",
                [("email", account.email), ("api_key", account.apiKey), ("password", "correct horse")])
            let path = "/settings/webhooks/\(id)/verify"

            let masked = try await page.get(path).text
            let wrong = try await page.submit(path, on: path, [("current", "wrong horse")])
            let right = try await page.submit(path, on: path, [("current", "correct horse")])

            #expect(masked.matches(of: /http:\/\/127.0.0.1:1\/&lt;hook&gt;/).count == 6)
            #expect(masked.contains("YOUR_SIGNING_KEY&#39;") && !masked.contains("the-key"))
            #expect(wrong.status == 422 && !wrong.text.contains("the-key"))
            #expect(right.text.matches(of: /the-key/).count == 5 && !right.text.contains("YOUR_SIGNING_KEY"))
        }
    }

    private static func run(_ runner: Runner, _ code: String, _ lines: [String]) throws -> [String] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "snippet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let isGo = runner.snippet == .go
        let whole =
            isGo
            ? "package main\n\n"
                + code.replacing("import (", with: "import (\n\t\"bufio\"\n\t\"fmt\"\n\t\"os\"", maxReplacements: 1)
            : code
        let file = folder.appending(path: runner.file)
        try (whole + "\n" + runner.tail + "\n").write(to: file, atomically: true, encoding: .utf8)
        let input = folder.appending(path: "input")
        try (lines.joined(separator: "\n") + "\n").write(to: input, atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(filePath: runner.command[0])
        process.arguments = Array(runner.command.dropFirst()) + [file.path]
        process.standardInput = try FileHandle(forReadingFrom: input)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text.split(separator: "\n").map(String.init)
    }
}
