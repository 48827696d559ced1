/// What must hold, whatever happens. Each has a twin of the engine that breaks it: see ``Twin``.
enum Invariant: String, CaseIterable, Sendable {
    /// Nothing is claimed of a webhook that is paused, disabled or deleted.
    case activeOnly
    /// No two requests of a delivery are on their way at once.
    case oneSender
    /// Nothing is sent again once its success is stored, and the number of a request is never used twice.
    case onceDone
    /// Two requests of a delivery are a second apart, by the receiver's clock.
    case secondApart
    /// At most five attempts fail.
    case fiveTries
    /// Each request carries the same bytes.
    case sameBytes
    /// Where it is asked for, the events of a message come in their order.
    case inOrder
    /// An event of a healthy receiver is tried within a time that does not depend on other receivers.
    case soon
    /// Retention deletes nothing that is young or still to be made.
    case youngStays
    /// What was accepted is stored, once for each webhook, and numbered without gaps; counters fit the rows.
    case accountsFit
    /// What is called delivered was taken by its receiver, and what failed says why.
    case truthful
    /// After the faults all that is due is done.
    case done
    /// A transaction never fails for a reason of its own.
    case transactions
}

/// How a run broke an invariant.
struct Violation: Sendable, Equatable, CustomStringConvertible {
    let invariant: Invariant
    let words: String

    var description: String { "\(invariant): \(words)" }
}
