import ArgumentParser
import Client
import Demo
import Foundation
import Server

struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the whole path on this machine: server, simulated phone and webhook receiver.",
        discussion:
            """
            The server is the real one; a simulated phone causes every event, and a receiver verifies them. \
            The demo keeps its data in a store of its own, ./demo-data, unless you name another.

            Examples:
              httpsms demo
              httpsms demo --once
            """)

    @Flag(help: "End after every event came once: with status 0, or with 1 and a reason.")
    var once = false

    @Option(help: "The port of the server, 0 for a free one [HTTP_PORT] (default: 8000, or 0 with --once)")
    var port: String?

    @OptionGroup var store: StoreOptions

    func run() async throws {
        try await Commands.demo(flags: store.flags.merging(["HTTP_PORT": port]) { $1 }, once: once)
    }
}

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create the database, or bring it up to this version. `serve` and `user create` do so themselves.",
        discussion: """
            With --from and --to it copies a store from SQLite to an empty PostgreSQL database instead, while no \
            server runs. If it is interrupted, run it again and it continues where it stopped. Received files are \
            copied into the database, unless ATTACHMENTS_FOLDER is set: then they stay in that folder.

            Example:
              httpsms migrate --from sqlite:./data/httpsms.sqlite --to postgres://httpsms@localhost/httpsms
            """)

    @Option(help: "The store to copy, sqlite:<path>.")
    var from: String?

    @Option(help: "Where to copy it, postgres://<user>@<host>/<database>.")
    var to: String?

    @OptionGroup var store: StoreOptions

    func validate() throws {
        if (from == nil) != (to == nil) { throw ValidationError("--from and --to need each other") }
    }

    func run() async throws {
        if let from, let to {
            let lines = MoveLines()
            let next = try await Commands.move(flags: store.flags, from: from, to: to) { lines.show($0) }
            for line in next { Terminal.line(line) }
            return
        }
        let applied = try await Commands.migrate(flags: store.flags)
        Terminal.line(applied.isEmpty ? "The store is up to date." : "Applied: \(applied.joined(separator: ", "))")
    }
}

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Check configuration, store, clock and key file, or a phone's way here, and suggest fixes. Exits 1 if anything is wrong.",
        discussion: """
            Examples:
              httpsms doctor --json
              httpsms doctor --phone https://sms.example.com
            """
    )

    @Flag(help: "Also compare every stored delivery with the counters, and print the account of each webhook.")
    var audit = false

    @Flag(
        help: """
            Also correct the counters of webhooks where the deliveries say otherwise, and keep a record, which --audit \
            prints. Missing deliveries stay a problem.
            """)
    var repair = false

    @Option(
        help: """
            Look at a server as a phone does, from outside, instead: name, port, certificate, redirects, the stream \
            and the clock. Give its URL, such as https://sms.example.com.
            """)
    var phone: String?

    @Option(
        name: .customLong("cacert"),
        help: "With --phone: the PEM file of your own authority, which the phone has as a user certificate.")
    var caFile: String?

    @Flag(help: "Print JSON: a list of objects with level (ok, warning or problem), subject and text.")
    var json = false

    @OptionGroup var store: StoreOptions

    func validate() throws {
        if caFile != nil, phone == nil { throw ValidationError("--cacert needs --phone") }
        if phone != nil, audit || repair { throw ValidationError("--phone does not go with --audit and --repair") }
    }

    func run() async throws {
        if let phone {
            let check = try PhoneCheck(phone, authorityFile: caFile)
            guard await check.run({ Terminal.line("\($0)") }) else { throw ExitCode(1) }
            return
        }
        let findings = await Commands.doctor(flags: store.flags, audit: audit, repair: repair) { line in
            Terminal.note(line)
        }
        if json {
            Terminal.line(Commands.json(findings))
        } else {
            for finding in findings { Terminal.line("\(finding)") }
        }
        if findings.contains(where: \.isProblem) { throw ExitCode(1) }
    }
}
