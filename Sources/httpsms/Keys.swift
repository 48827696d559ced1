import ArgumentParser
import Server

struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Manage the master key.", subcommands: [RotateMaster.self])

    struct RotateMaster: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-master",
            abstract: "Encrypt everything that is stored encrypted with the new master key, beside running servers.",
            discussion: """
                With a key file, the first run puts a new key into it and asks for a restart of the server; the second run
                does the work. With MASTER_KEY, set it to the new key and MASTER_KEY_PREVIOUS to the one before. It may be
                ended at any time, run again, and run twice at once. The operations page has the steps.

                Example:
                  httpsms keys rotate-master
                """)

        @OptionGroup var store: StoreOptions

        func run() async throws {
            for line in try await Commands.rotateMasterKey(flags: store.flags, report: Terminal.line) {
                Terminal.line(line)
            }
        }
    }
}
