import ArgumentParser
import Client
import Foundation

/// How a command speaks to a server.
struct ClientOptions: ParsableArguments {
    @Option(help: "The server [HTTPSMS_URL] (default: that of `httpsms login`, or http://127.0.0.1:8000)")
    var url: String?

    @Option(help: "The account's API key; others can see it in the list of processes [HTTPSMS_API_KEY]")
    var apiKey: String?

    @Option(help: "A PEM file of authorities that are trusted besides the system's [HTTPSMS_CACERT]")
    var cacert: String?

    @Option(help: "The server and key that `httpsms login --profile` stored under this name [HTTPSMS_PROFILE]")
    var profile: String?

    @Flag(help: "Print JSON.")
    var json = false

    func client() throws -> ServerClient { try client(ClientSettings(url: url, apiKey: apiKey, profile: profile)) }

    /// A client of the server that `settings` name.
    func client(_ settings: ClientSettings) throws -> ServerClient {
        guard let file = cacert ?? ProcessInfo.processInfo.environment["HTTPSMS_CACERT"] else {
            return ServerClient(settings)
        }
        return try ServerClient(settings, trusting: file)
    }

    /// Prints what a command found out, also where that is a fault.
    func show(_ output: ClientOutput) throws {
        Terminal.line(json ? output.json : output.text)
        if let next = output.next { Terminal.note("There is more: the same with --cursor \(next)") }
        if let fault = output.fault { throw ClientFailure(.refused, fault) }
    }
}

/// Completes the names of all events.
let eventCompletion = CompletionKind.list(EventNames.all)
