/// Adds the members of one object; only ``JSONWriter/object(_:)`` makes one.
///
/// Member names are literals of plain ASCII that need no escaping; names that come from data go through
/// ``field(named:_:)``. A nil value is written as an explicit `null`, as httpSMS does.
package struct JSONObjectWriter: Sendable {
    var json: JSONWriter

    /// Moves `bytes` in, so that appending never copies them; the caller takes them back when the object is complete.
    init(taking bytes: inout [UInt8]) {
        json = JSONWriter(capacity: 0)
        swap(&json.bytes, &bytes)
    }

    /// Adds a member with any value: text, a number, a time, an optional, an array, or a type of ours.
    package mutating func field(_ name: StaticString, _ value: some JSONWritable) {
        key(name)
        value.write(to: &json)
    }

    /// Adds a member whose name is data, and is escaped as such.
    package mutating func field(named name: String, _ value: some JSONWritable) {
        separate()
        json.string(name)
        json.bytes.append(0x3A)  // :
        value.write(to: &json)
    }

    /// Adds a member that is `null`.
    package mutating func null(_ name: StaticString) {
        key(name)
        json.null()
    }

    /// Adds a member with JSON that was encoded before; no bytes at all become `null`.
    package mutating func raw(_ name: StaticString, _ encoded: some Collection<UInt8>) {
        key(name)
        json.raw(encoded)
    }

    /// Adds a member that is an object, with the members `body` adds.
    package mutating func object(_ name: StaticString, _ body: (inout JSONObjectWriter) -> Void) {
        key(name)
        json.object(body)
    }

    /// Adds a member that is an array: one value for each of `elements`, by a closure that must write exactly one.
    package mutating func array<Elements: Sequence>(
        _ name: StaticString, of elements: Elements, _ writeElement: (inout JSONWriter, Elements.Element) -> Void
    ) {
        key(name)
        json.array(of: elements, writeElement)
    }

    mutating func key(_ name: StaticString) {
        separate()
        json.bytes.append(0x22)  // "
        name.withUTF8Buffer { json.bytes.append(contentsOf: $0) }
        json.bytes.append(0x22)  // "
        json.bytes.append(0x3A)  // :
    }

    /// Writes the comma. A complete value never ends in `{`, so only the first member finds one before it.
    mutating func separate() {
        if json.bytes.last != 0x7B { json.bytes.append(0x2C) }
    }
}
