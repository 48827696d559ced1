/// What a store throws of its own.
package enum StorageError: Error, Equatable {
    /// A row with the same key is there already; the text names the constraint or its columns.
    case uniqueViolation(String)
    /// Nothing can be stored or read at the moment; the text says why and what to fix. The caller may try again.
    case unavailable(String)
    /// The account itself asks for more at a time than it may. The caller may try again when some of it is done.
    case tooMany(String)
    /// The statement is wrong; a mistake of ours.
    case statement(String)
    /// The store holds what it should not.
    case corrupt(String)
}

extension StorageError {
    /// Whether it says that a row holds what it should not, and nothing else is wrong.
    var isAboutRow: Bool {
        if case .corrupt = self { true } else { false }
    }
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .uniqueViolation(let what): "there is a row already with the same key: \(what)"
        case .unavailable(let reason), .tooMany(let reason), .statement(let reason), .corrupt(let reason): reason
        }
    }
}
