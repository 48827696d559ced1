import Gateway

/// A move of a number as the pages show it.
struct PhoneMoveLine: Sendable {
    let text: String
    let movedAt: String

    init(_ move: PhoneMove) {
        let right =
            switch move.right {
            case .freshKey: "the key was new"
            case .secondSIM: "the key was new and had just taken the other number of the same phone"
            case .silence: "the key before had not been used for 16 minutes"
            case .consent: "it was allowed here"
            }
        text = "\(move.number) went from “\(move.fromName)” to “\(move.toName)”: \(right)."
        movedAt = PageTime.shown(move.movedAt)
    }
}
