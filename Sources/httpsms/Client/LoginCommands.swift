import ArgumentParser
import Client
import Foundation

struct LoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Store the address of a server and an API key for the other commands.",
        discussion: """
            Asks for the key unless it is given, checks that it works, and writes both to
            ~/.config/httpsms/config.json, which only you can read; with --profile to a file of that name beside it.

            Examples:
              httpsms login --url https://sms.example.com
              httpsms login --profile staging --url https://sms.staging.example.com
            """)

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let variables = ProcessInfo.processInfo.environment
        var key = options.apiKey ?? variables["HTTPSMS_API_KEY"]
        if key == nil {
            key = try Terminal.secret("API key: ")
        }
        let profile = try Profile.chosen(options.profile)
        let settings = try ClientSettings(
            url: options.url ?? variables["HTTPSMS_URL"], apiKey: key ?? "", profile: profile?.name)
        let user = try await options.client(settings).user()
        let path = try settings.store(as: profile)
        if options.json {
            Terminal.line(user.json)
        } else {
            Terminal.line("\(user.text)\nstored in \(path)")
        }
    }
}

struct LogoutCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Remove the address and the API key that `httpsms login` stored.",
        discussion: """
            The key stays valid on the server. `httpsms user rotate-key` replaces it there.

            Examples:
              httpsms logout
              httpsms logout --profile staging
            """)

    @Option(help: "What `httpsms login --profile` stored under this name.")
    var profile: String?

    func run() throws {
        let profile = try profile.map { try Profile($0) }
        guard let path = try Profile.forget(profile) else {
            return Terminal.note("Nothing was stored\(profile.map { " as profile \($0.name)" } ?? "").")
        }
        Terminal.note("\(path) was removed. The key stays valid on the server.")
    }
}

struct WhoamiCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami", abstract: "Show the account, the server, and where the API key comes from.",
        discussion: """
            Examples:
              httpsms whoami
              httpsms whoami --profile staging
            """)

    @OptionGroup var options: ClientOptions

    func run() async throws { try options.show(try await options.client().user()) }
}

struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Look at the servers that `httpsms login` stored.", subcommands: [List.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the stored servers by the names of their profiles. Keys are never shown.",
            discussion: """
                Store one with `httpsms login --profile NAME`, and use it with --profile NAME or HTTPSMS_PROFILE.

                Example:
                  httpsms profile list
                """)

        @Flag(help: "Print JSON.")
        var json = false

        func run() throws {
            let list = try Profile.list()
            Terminal.line(json ? list.json : list.text)
        }
    }
}
