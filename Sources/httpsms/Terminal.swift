import ArgumentParser
import Foundation

/// What a command writes, at once, even where that is a pipe.
///
/// A reader that leaves, as `head` does, ends the command without a word, as the signal would that this program ignores
/// for the sake of its sockets and its log.
enum Terminal {
    /// What a shell reports of a program that SIGPIPE ended.
    private static let brokenPipe: Int32 = 128 + SIGPIPE

    /// Writes a line to standard output.
    static func line(_ text: String) { write(text + "\n") }

    /// Writes to standard output.
    static func write(_ text: String) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
        } catch {
            // Nobody reads any more, or the disk is full.
            if !isBrokenPipe(error) { note("Error: cannot write to standard output: \(error.localizedDescription)") }
            exit(isBrokenPipe(error) ? brokenPipe : 1)
        }
    }

    /// Ends the command where ``write(_:)`` would, and before anything is done. To be called before a secret is made that is
    /// shown once: nobody would have it.
    static func requireOutput() {
        guard let code = StandardStreams.outputFailure else { return }
        if code != EPIPE { note("Error: cannot write to standard output: \(String(cString: strerror(code)))") }
        exit(code == EPIPE ? brokenPipe : 1)
    }

    /// Tells a person something that is not a result. Nothing depends on whether it is read.
    static func note(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data("\(text)\n".utf8))
    }

    /// What a person types without its being shown, twice when `again` asks for that; a line of standard input where that is
    /// no terminal. No line at all is empty.
    static func secret(_ prompt: String, again: String? = nil) throws -> String {
        guard isatty(0) == 1 else { return readLine(strippingNewline: true) ?? "" }
        func ask(_ prompt: String) -> String { getpass(prompt).map { String(cString: $0) } ?? "" }
        let typed = ask(prompt)
        if let again, ask(again) != typed { throw ValidationError("the two are not the same") }
        return typed
    }

    /// Whether a person can be asked.
    static var isInteractive: Bool { isatty(0) == 1 }

    /// Whether a person looks at standard error, where progress is shown.
    static var showsProgress: Bool { isatty(2) == 1 }

    /// Draws the part that is done, from 0 to 1, over what was drawn before; ends the line at 1.
    static func progress(_ part: Double) {
        guard showsProgress else { return }
        let width = 30
        let done = Int((min(max(part, 0), 1) * Double(width)).rounded(.down))
        let bar = String(repeating: "#", count: done) + String(repeating: ".", count: width - done)
        let percent = Int(part * 100)
        try? FileHandle.standardError.write(contentsOf: Data("\r[\(bar)] \(percent) %\(part >= 1 ? "\n" : "")".utf8))
    }

    private static func isBrokenPipe(_ error: any Error) -> Bool {
        let error = error as NSError
        let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError
        return [error, cause].contains { $0?.domain == NSPOSIXErrorDomain && $0?.code == Int(EPIPE) }
    }
}
