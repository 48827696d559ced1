import ArgumentParser
import Foundation
import Modem

struct ModemCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "modem", abstract: "Send and receive with a USB modem or an LTE router, beside gammu-smsd.",
        discussion: """
            Connects gammu-smsd, of the Debian package of that name, with a server. Print its configuration with \
            `config`, pair the modem with `pair`, and run `run` and gammu-smsd side by side. The page A modem \
            (docs/modem.md) has all steps.
            """,
        subcommands: [Config.self, Pair.self, Run.self, Prepare.self, Call.self])

    struct FolderOption: ParsableArguments {
        @Option(help: "The folder that is shared with gammu-smsd.")
        var folder = ModemFolder.usual

        func validate() throws {
            let safe = folder.unicodeScalars.allSatisfy { scalar in
                scalar.isASCII
                    && (Character(scalar).isLetter || Character(scalar).isNumber || "/-_.".contains(Character(scalar)))
            }
            guard folder.hasPrefix("/"), safe else {
                throw ValidationError("--folder must be a whole path of letters, digits, and / - _ .")
            }
        }

        var value: ModemFolder { ModemFolder(folder) }
    }

    struct Config: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the configuration of gammu-smsd, for /etc/gammu-smsdrc.",
            discussion: """
                Example:
                  httpsms modem config --device /dev/ttyUSB0
                """)

        @Option(help: "The modem's device; /dev/serial/by-id/... stays the same.")
        var device: String

        @Option(help: "How gammu speaks to it; none for gammu's dummy.")
        var connection = "at"

        @Option(help: "The PIN of the SIM card, if it has one.")
        var pin: String?

        @OptionGroup var folder: FolderOption

        func validate() throws {
            if let pin, !(4...8).contains(pin.count) || !pin.allSatisfy(\.isNumber) {
                throw ValidationError("--pin must be 4 to 8 digits")
            }
            for value in [device, connection] where value.isEmpty || value.contains(where: \.isNewline) {
                throw ValidationError("--device and --connection must be one line")
            }
        }

        func run() throws {
            let program = Bundle.main.executablePath ?? "/usr/bin/httpsms"
            Terminal.write(
                GammuConfiguration.text(
                    folder: folder.value, device: device, connection: connection, pin: pin, program: program))
        }
    }

    struct Pair: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Pair the modem with a server: with the code or the private token of a new pairing.",
            discussion: """
                A pairing is made in the dashboard, with `httpsms phone pair`, or with POST /v1/devices/pairings. With \
                the private token the modem can register again by itself if its own token is lost.

                Example:
                  httpsms modem pair --url https://sms.example.com/api/mobile/v1 --code 12345678
                """)

        @Option(help: "The API URL of the pairing, which ends in /api/mobile/v1.")
        var url: String

        @Option(help: "The code of the pairing.")
        var code: String?

        @Option(help: "The private token of the pairing, instead of the code; - reads it from standard input.")
        var privateToken: String?

        @OptionGroup var folder: FolderOption

        func validate() throws {
            if (code == nil) == (privateToken == nil) {
                throw ValidationError("give either --code or --private-token")
            }
            guard let parsed = URL(string: url), ["http", "https"].contains(parsed.scheme), parsed.host != nil else {
                throw ValidationError("--url must be the API URL, such as https://sms.example.com/api/mobile/v1")
            }
        }

        func run() async throws {
            let token = privateToken == "-" ? try Terminal.secret("Private token: ") : privateToken
            let credential = code.map(ModemAPI.Credential.code) ?? .privateToken(token ?? "")
            var url = url
            while url.hasSuffix("/") { url.removeLast() }
            let folder = folder.value
            try folder.make()
            let device = try await ModemAPI.register(at: url, credential, name: ModemAgent.name)
            try device.write(folder)
            Terminal.line(
                "The modem is paired. Start `httpsms modem run`; one that runs takes the new token by itself.")
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run the modem's agent until SIGTERM or SIGINT.",
            discussion: """
                Everything that must survive is in the folder, so the agent may be killed at any time.

                Example:
                  httpsms modem run
                """)

        @OptionGroup var folder: FolderOption

        func run() async throws {
            try await ModemAgent.runAlone(folder.value) { Terminal.line($0) }
        }
    }

    struct Prepare: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prepare the folder for gammu-smsd; run this each time before gammu-smsd starts.",
            discussion: """
                gammu-smsd alone would send again an SMS that it was sending when it was killed. This takes that SMS \
                out of the outbox; the agent reports it as failed and says that it may have been sent. Run it only \
                while no gammu-smsd runs.

                Example:
                  httpsms modem prepare
                """)

        @OptionGroup var folder: FolderOption

        func run() throws {
            for line in try ModemPreparation.run(folder.value) { Terminal.line(line) }
        }
    }

    struct Call: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Note a missed call; gammu-smsd calls it.",
            discussion: """
                Example:
                  httpsms modem call +18005550100
                """)

        @OptionGroup var folder: FolderOption

        @Argument(help: "The caller's number; leave it out when it is withheld.")
        var number: [String] = []

        func run() throws {
            try ModemPreparation.missedCall(from: number.joined(), folder.value)
        }
    }
}
