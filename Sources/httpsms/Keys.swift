import ArgumentParser
import Server

struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Manage the master key.", subcommands: [RotateMaster.self])

    struct RotateMaster: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-master",
            abstract: "Encrypt all stored keys and answers with a new master key while servers run.",
            discussion: """
                With a key file, the first run adds a new key to it and asks you to restart the server; the second run \
                does the work. With MASTER_KEY, set it to the new key and MASTER_KEY_PREVIOUS to the old one. You can \
                stop it at any time, run it again, and run it twice at once. The page Operations (docs/operations.md) \
                has the steps.

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
