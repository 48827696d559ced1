import Foundation
import TestSupport
import Testing

/// The alert rules and the dashboard of `docs/examples` ask for metrics that the server has.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct MonitoringExampleTests {
    @Test(arguments: ["prometheus-alerts.yml", "grafana-dashboard.json"])
    func everyMetricOfAnExampleIsServed(name: String) async throws {
        let text = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
        let asked = Set(text.matches(of: /httpsms_[a-z_]+/).map { String($0.output) })

        let served = try await Self.served()

        #expect(!asked.isEmpty)
        #expect(asked.subtracting(served) == [])
    }

    @Test func theDashboardIsJSONWithAPanelForEachMetric() async throws {
        let data = try Data(contentsOf: Self.folder.appending(path: "grafana-dashboard.json"))
        let dashboard = try JSONDecoder().decode(JSON.self, from: data)
        let questions = dashboard["panels"].array.flatMap { $0["targets"].array.map { $0["expr"].string } }.joined()

        let names = try await Self.served().filter { !$0.hasSuffix("_sum") && !$0.hasSuffix("_count") }
        #expect(names.filter { !questions.contains($0) } == [])
    }

    @Test func theListOfTheDocumentationNamesEachMetric() async throws {
        let text = try String(contentsOf: Self.folder.appending(path: "../operations.md"), encoding: .utf8)

        let names = try await Self.served().map { $0.replacing(/_(bucket|sum|count)$/, with: "") }

        #expect(Set(names).filter { !text.contains("`\($0)`") } == [])
    }

    @Test(arguments: Engine.enabled) func everyMetricIsThereBeforeAnythingHappened(engine: Engine) async throws {
        let usual = try await Self.served()
        let names = Names()
        try await withServer(on: engine) { server in
            await names.set(Self.names(try await server.client.get("/metrics").text))
        }

        #expect(usual.subtracting(await names.all) == [])
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../docs/examples").standardized

    /// The names of the samples of a server that has delivered something.
    private static func served() async throws -> Set<String> {
        let names = Names()
        try await withWebhookServer { server, account, phone, receiver in
            try await account.makeWebhook(receiver.url())
            try await account.receive("1", on: phone)
            let text = try await eventually("an attempt is counted") {
                let text = try await server.client.get("/metrics").text
                return text.contains("attempts_total{") ? text : nil
            }
            await names.set(Self.names(text))
        }
        return await names.all
    }

    private static func names(_ page: String) -> Set<String> {
        // A metric without a sample, such as that of a certificate, has its type.
        Set(page.matches(of: /^(?:# TYPE )?(httpsms_[a-z_]+)/.anchorsMatchLineEndings()).map { String($0.output.1) })
    }

    private actor Names {
        private(set) var all: Set<String> = []

        func set(_ names: Set<String>) { all = names }
    }
}
