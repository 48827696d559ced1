/// What a store throws of its own.
package enum StorageError: Error, Equatable {
    /// A row with the same key is there already; the text names the constraint or its columns.
    case uniqueViolation(String)
    /// Nothing can be stored or read at the moment; the text says why and what to mend. The caller may try again.
    case unavailable(String)
    /// The statement is wrong; a mistake of ours.
    case statement(String)
    /// The store holds what it should not.
    case corrupt(String)
}
