/// A value that must not reach a log: printing, interpolating or dumping it gives `redacted`.
package struct Secret<Value: Sendable & Hashable>: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// The value itself; its uses are easy to find.
    package let exposed: Value

    /// Wraps `value`.
    package init(_ value: Value) {
        exposed = value
    }

    package var description: String { "redacted" }

    package var customMirror: Mirror { Mirror(reflecting: "redacted") }
}
