/// Appends compact JSON to a byte array, member by member, in the order of the calls.
///
/// It writes what Go's `encoding/json` writes, because httpSMS clients were tested against that: no white space, times
/// as RFC 3339 text, `<`, `>`, `&`, U+2028 and U+2029 as `\u` escapes, slashes and all other text as they are. Braces
/// cannot be left open: they are closed where the closure ends. One call writes one value.
///
///     var json = JSONWriter()
///     json.object { o in
///         o.field("id", id)
///         o.field("sent_at", sentAt)      // an optional Timestamp: text or null
///         o.field("windows", windows)     // an array of anything JSONWritable
///     }
package struct JSONWriter: Sendable {
    /// What has been written so far: UTF-8, without a trailing newline.
    package var bytes: [UInt8]

    /// Makes an empty writer with room for `capacity` bytes before it first grows.
    package init(capacity: Int = 512) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Writes an object whose members `body` adds.
    package mutating func object(_ body: (inout JSONObjectWriter) -> Void) {
        bytes.append(0x7B)  // {
        var object = JSONObjectWriter(taking: &bytes)
        body(&object)
        swap(&bytes, &object.json.bytes)
        bytes.append(0x7D)  // }
    }

    /// Writes an array: one value for each of `elements`, by a closure that must write exactly one.
    package mutating func array<Elements: Sequence>(
        of elements: Elements, _ writeElement: (inout JSONWriter, Elements.Element) -> Void
    ) {
        bytes.append(0x5B)  // [
        var isFirst = true
        for element in elements {
            if !isFirst { bytes.append(0x2C) }  // ,
            isFirst = false
            writeElement(&self, element)
        }
        bytes.append(0x5D)  // ]
    }

    /// Writes any one value.
    package mutating func value(_ value: some JSONWritable) {
        value.write(to: &self)
    }

    /// Writes `null`.
    package mutating func null() {
        text("null")
    }

    /// Writes JSON that was encoded before, unchecked; no bytes at all become `null`, so that the document stays valid.
    package mutating func raw(_ encoded: some Collection<UInt8>) {
        if encoded.isEmpty { null() } else { bytes.append(contentsOf: encoded) }
    }

    /// Appends `literal` as it is.
    mutating func text(_ literal: StaticString) {
        literal.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }
}
