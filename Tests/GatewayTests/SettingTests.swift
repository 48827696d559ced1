import Foundation
import TestSupport
import Testing

@testable import Gateway
@testable import Server

/// Settings are said in one place: what is printed and documented is made of the table.
@Suite(.onOneEngine) struct SettingTests {
    private static let project = URL(filePath: #filePath).appending(path: "../../..").standardized

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: project.appending(path: path), encoding: .utf8)
    }

    @Test func thePageHasTheTable() throws {
        let page = try Self.text("docs/settings.md")

        #expect(
            page.hasSuffix("\n\n\(SettingTable.markdown)\n"), "docs/settings.md ends with:\n\(SettingTable.markdown)")
    }

    @Test func namesAndFlagsAreUsedOnce() {
        #expect(Set(SettingTable.all.map(\.variable)).count == SettingTable.all.count)
        let flags = SettingTable.all.compactMap(\.flag)
        #expect(Set(flags).count == flags.count)
    }

    @Test(arguments: SettingTable.all.filter { $0.expected != nil }.map(\.variable))
    func aValueThatCannotBeReadIsAnErrorOfItsSetting(variable: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            try GatewayConfiguration(flags: [:], environment: [variable: "?!"])
        }

        #expect(error?.variable == variable)
        #expect(error?.expected == SettingTable.all.first { $0.variable == variable }?.expected)
    }

    /// What is read where nothing is set is what the table says; see ``GatewayConfigurationTests`` for the values.
    @Test func quotasAreThoseOfTheTable() throws {
        #expect(try GatewayConfiguration(flags: [:], environment: [:]).quotas == Quotas())
    }

    @Test func thePackageSetsWhatThereIs() throws {
        let lines = try Self.text("Packaging/httpsms.env").split(separator: "\n")
        let names = lines.compactMap { $0.firstMatch(of: /^#?([A-Z_]+)=/).map { String($0.output.1) } }

        #expect(names.count > 5)
        #expect(Set(names).isSubset(of: SettingTable.all.map(\.variable)))
    }

    @Test func theHelpIsPlainText() {
        #expect(
            SettingTable.table.certificate.help
                == "The certificate for HTTPS with its chain, a PEM file; read again when it changes. "
                + "[TLS_CERTIFICATE] (default: none: HTTP)")
        #expect(!SettingTable.helpOfVariables.contains("`"))
        #expect(SettingTable.helpOfVariables.contains("  NODE_LEASE\n    "))
    }
}
