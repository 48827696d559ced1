import ArgumentParser
import Foundation
import Gateway

/// How a command speaks to a server.
struct ClientOptions: ParsableArguments {
    @Option(help: "The server [HTTPSMS_URL] (default: that of `httpsms login`, or http://127.0.0.1:8000)")
    var url: String?

    @Option(help: "The account's API key; others can see it in the list of processes [HTTPSMS_API_KEY]")
    var apiKey: String?

    @Flag(help: "Print JSON.")
    var json = false

    func client() throws -> ServerClient {
        ServerClient(try ClientSettings(url: url, apiKey: apiKey))
    }

    /// Prints what a command found out, also where that is a fault.
    func show(_ output: ClientOutput) throws {
        print(json ? output.json : output.text)
        if let fault = output.fault { throw ClientFailure(.refused, fault) }
    }
}

/// Where the terminal is, and what is written to it.
enum Terminal {
    /// Writes a line to standard output at once, even where that is a pipe.
    static func line(_ text: String) {
        FileHandle.standardOutput.write(Data("\(text)\n".utf8))
    }

    /// Tells a person something that is no result.
    static func note(_ text: String) {
        FileHandle.standardError.write(Data("\(text)\n".utf8))
    }

    /// Whether a person looks at standard error, where progress is shown.
    static var showsProgress: Bool { isatty(2) == 1 }

    /// Draws the part that is done, from 0 to 1, over what was drawn before; ends the line at 1.
    static func progress(_ part: Double) {
        guard showsProgress else { return }
        let width = 30
        let done = Int((min(max(part, 0), 1) * Double(width)).rounded(.down))
        let bar = String(repeating: "#", count: done) + String(repeating: ".", count: width - done)
        let percent = Int(part * 100)
        FileHandle.standardError.write(Data("\r[\(bar)] \(percent) %\(part >= 1 ? "\n" : "")".utf8))
    }
}

/// Completes the names of the eight events.
let eventCompletion = CompletionKind.list(EventNames.all)
