import ArgumentParser
import Client
import Server

/// `httpsms user import`: beside the account it fills.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Copy the messages and conversations of another httpSMS server into an account.",
        discussion: """
            Works beside a running server. Nothing is sent, no webhook is told, and nothing counts for a quota. What \
            still waits to be sent on the old server is left there. Messages keep their ids, times and states; \
            attachments keep their addresses on the old server.

            If it is interrupted, or messages came meanwhile, run it again: what is here already is left alone, and what \
            was deleted here stays deleted. A check after it says what is missing. It ends with 1 when a message could \
            not be imported, or with --check when one is missing.

            The API key of the old account is one line of standard input, or asked for on a terminal. The database of a \
            self-hosted httpSMS needs none.

            Examples:
              echo "$OLD_KEY" | httpsms user import --email me@example.com --from https://api.httpsms.com
              echo "$OLD_KEY" | httpsms user import --email me@example.com --from https://api.httpsms.com --check
              httpsms user import --email me@example.com --from postgres://httpsms@db.example.com/httpsms --dry-run
            """)

    @Option(help: "The e-mail address of the account here.")
    var email: String

    @Option(
        help: """
            The URL of the old server, such as https://api.httpsms.com, or of its PostgreSQL database, \
            postgres://<user>@<host>/<database>.
            """)
    var from: String

    @Option(help: "The e-mail address of the account in that database (default: the same as here).")
    var fromEmail: String?

    @Option(
        help: """
            Also import the conversations of a number that has no phone on the old server any more; may be repeated. A \
            database has them all anyway.
            """)
    var number: [String] = []

    @Flag(help: "Read everything, and only say what would be imported.")
    var dryRun = false

    @Flag(help: "Read everything, and list by conversation what is not here.")
    var check = false

    @OptionGroup var store: StoreOptions

    func validate() throws {
        if dryRun, check { throw ValidationError("--dry-run and --check do not go together") }
    }

    func run() async throws {
        let request = Commands.ImportRequest(
            email: email, from: from, oldEmail: fromEmail, numbers: number,
            purpose: check ? .check : dryRun ? .dryRun : .bring)
        if fromEmail != nil, !request.isDatabase { throw ValidationError("--from-email needs a database as --from") }
        let key = request.isDatabase ? "" : try Terminal.secret("API key of the old server: ")
        let outcome: (lines: [String], isComplete: Bool)
        do {
            outcome = try await Commands.importHistory(flags: store.flags, request, key: key) { Terminal.note($0) }
        } catch let error as ImportError {
            throw ClientFailure(error.status, error.description)
        }
        for line in outcome.lines { Terminal.line(line) }
        if !outcome.isComplete { throw ExitCode(1) }
    }
}

extension ImportError {
    /// How a command ends that ends like this.
    fileprivate var status: ClientFailure.Status {
        switch kind {
        case .usage: .usage
        case .unreachable: .unreachable
        case .unauthorised: .unauthorised
        case .failed: .serverFailed
        case .refused: .refused
        }
    }
}
