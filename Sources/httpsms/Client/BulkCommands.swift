import ArgumentParser
import Client
import Foundation

struct BulkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bulk", abstract: "Send the messages that a CSV or Excel file lists.",
        subcommands: [Send.self, List.self])

    struct Send: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send all messages of a file, or none when something in it is wrong.",
            discussion: """
                The first row names the columns FromPhoneNumber, ToPhoneNumber, Content, and if you like
                SendTime(optional) and AttachmentURLs(optional). At most 1,000 rows.

                Examples:
                  httpsms bulk send january.csv
                  httpsms bulk send january.csv --callback-url https://example.com/sms/status
                """)

        @Argument(help: "A file whose name ends in .csv or .xlsx.", completion: .file(extensions: ["csv", "xlsx"]))
        var file: String

        @Option(help: "A URL that the events of these messages are sent to, beside the webhooks.")
        var callbackURL: String?

        @OptionGroup var options: ClientOptions

        func run() async throws {
            let name = (file as NSString).lastPathComponent
            guard [".csv", ".xlsx"].contains(where: name.lowercased().hasSuffix) else {
                throw ClientFailure(.usage, "\(file): the file's name must end in .csv or .xlsx")
            }
            try options.show(
                try await options.client().uploadBulk(name: name, Self.read(file), callbackURL: callbackURL))
        }

        /// The server takes less than 5 MB; a device or a pipe may have no end.
        private static let limit = 8 << 20

        private static func read(_ path: String) throws -> [UInt8] {
            do {
                let handle = try FileHandle(forReadingFrom: URL(filePath: path))
                defer { try? handle.close() }  // It was only read.
                let data = try handle.read(upToCount: limit) ?? Data()
                guard data.count < limit else { throw ClientFailure(.usage, "\(path) is larger than a server takes") }
                return Array(data)
            } catch let failure as ClientFailure {
                throw failure
            } catch {
                throw ClientFailure(.usage, "\(path) cannot be read: \(error.localizedDescription)")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the last ten files, and what became of their messages.",
            discussion: """
                Example:
                  httpsms bulk list
                """)

        @OptionGroup var options: ClientOptions

        func run() async throws { try options.show(try await options.client().bulkFiles()) }
    }
}

struct ScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule", abstract: "Manage the hours in which phones may send.",
        subcommands: [List.self, Create.self, Delete.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the send schedules of the account.",
            discussion: """
                Example:
                  httpsms schedule list
                """)

        @OptionGroup var options: ClientOptions

        func run() async throws { try options.show(try await options.client().schedules()) }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a send schedule.",
            discussion: """
                A window is days and times, and may end on the next day: fri=22:00-02:00. A phone keeps a schedule once it is
                chosen in its settings.

                Examples:
                  httpsms schedule create --name "Office hours" --timezone Europe/London --window mon-fri=09:00-17:00
                  httpsms schedule create --name Shop --timezone Europe/Paris --window mon-fri=09:00-18:30 --window sat=10:00-14:00
                """)

        @Option(help: "What you call it.") var name: String
        @Option(help: "The time zone, such as Europe/London.") var timezone: String
        @Option(help: "Days and times, such as mon-fri=09:00-17:00; may be given more than once.") var window: [String]
        @OptionGroup var options: ClientOptions

        func run() async throws {
            guard !window.isEmpty else { throw ValidationError("--window is missing, such as mon-fri=09:00-17:00") }
            let windows = try window.map { text in
                guard let window = WindowOption(text) else {
                    throw ValidationError(
                        "--window \(text): give days and times such as mon-fri=09:00-17:00 or sat,sun=10:00-12:30")
                }
                return window
            }
            try options.show(
                try await options.client().createSchedule(name: name, zone: timezone, windows: windows))
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a send schedule. Phones that keep it send at any time.",
            discussion: """
                Example:
                  httpsms schedule delete 01a213dd-60a3-7aa1-9dd8-46a74f39c85b
                """)

        @Argument(help: "The schedule's id.") var id: String
        @OptionGroup var confirmation: Confirmation
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try confirmation.ask("Delete the send schedule \(id)? Phones that keep it send at any time.")
            try options.show(try await options.client().deleteSchedule(id))
        }
    }
}
