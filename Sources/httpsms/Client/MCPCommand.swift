import Agents
import ArgumentParser
import Client
import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

struct MCPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp", abstract: "Let an agent send and read SMS, by the Model Context Protocol.",
        discussion: """
            An agent's program starts this and speaks to it through standard input and output. The agent can do what the
            key can do: give it an access key with the scopes that it needs (`httpsms access-key create`).

            Examples:
              httpsms mcp --profile agent
              claude mcp add sms -- httpsms mcp --profile agent
            """)

    @Option(help: "The most recipients of one call.") var mostRecipients = 20
    @Option(help: "With more recipients than these a call has to say how many there are.") var confirmAbove = 1
    @Option(help: "The most SMS within an hour.") var perHour = 60
    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard (1...1_000).contains(mostRecipients) else {
            throw ValidationError("--most-recipients must be from 1 to 1000")
        }
        guard confirmAbove >= 0 else { throw ValidationError("--confirm-above must be 0 or more") }
        guard perHour >= 0 else { throw ValidationError("--per-hour must be 0 or more") }
    }

    func run() async throws {
        let limits = AgentLimits(
            mostRecipients: mostRecipients, unconfirmed: confirmAbove, mostInAnHour: perHour)
        let server = AgentServer(client: try options.client(), limits: limits)
        if Terminal.isInteractive {
            Terminal.note("An agent's program starts this and speaks to it, a line of JSON-RPC each way.")
        }
        try await server.run(read: Self.input, write: Terminal.line)
    }

    /// What there is to read on standard input, once there is something; empty at its end.
    private static func input() throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = bytes.withUnsafeMutableBytes { read(STDIN_FILENO, $0.baseAddress, $0.count) }
            if count >= 0 { return Array(bytes.prefix(count)) }
            if errno == EAGAIN {
                // A descriptor that somebody else made non-blocking.
                var waiting = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
                _ = poll(&waiting, 1, -1)
            } else if errno != EINTR {
                throw ClientFailure(.refused, "standard input cannot be read: \(String(cString: strerror(errno)))")
            }
        }
    }
}
