import ArgumentParser
import Foundation

/// Asks a person before something is deleted; a script, which has no terminal, is not asked.
struct Confirmation: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    /// Goes on when a person answers yes to `question`, and where nobody can be asked.
    ///
    /// - Throws: `ValidationError` after any other answer, and at the end of the input.
    func ask(_ question: String) throws {
        guard !yes, Terminal.isInteractive else { return }
        Terminal.note("\(question) [y/N]")
        let answer = readLine(strippingNewline: true)?.lowercased() ?? ""
        guard ["y", "yes"].contains(answer) else { throw ValidationError("nothing was deleted") }
    }
}
