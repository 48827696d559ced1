import Timestamps

/// A value that writes itself as JSON; every response body and every event of the server is one.
///
///     extension Phone: JSONWritable {
///         package func write(to json: inout JSONWriter) {
///             json.object { o in
///                 o.field("id", id.text)
///                 o.field("fcm_token", fcmToken)
///             }
///         }
///     }
package protocol JSONWritable: Sendable {
    /// Writes exactly one JSON value.
    func write(to json: inout JSONWriter)
}

extension JSONWritable {
    /// The value as compact JSON in UTF-8, without a trailing newline.
    package func encodedJSON() -> [UInt8] {
        var json = JSONWriter()
        write(to: &json)
        return json.bytes
    }
}

/// JSON that was encoded before, written as it is; empty bytes are written as `null`.
package struct RawJSON: JSONWritable {
    /// One JSON value in UTF-8, not checked.
    package var bytes: [UInt8]

    /// Wraps encoded JSON.
    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    package func write(to json: inout JSONWriter) {
        json.raw(bytes)
    }
}

extension String: JSONWritable {
    package func write(to json: inout JSONWriter) { json.string(self) }
}

extension Bool: JSONWritable {
    package func write(to json: inout JSONWriter) { json.boolean(self) }
}

extension Int: JSONWritable {
    package func write(to json: inout JSONWriter) { json.integer(self) }
}

/// A number; null when it is none.
extension Double: JSONWritable {
    package func write(to json: inout JSONWriter) {
        if let whole = Int64(exactly: self) {
            json.integer(whole)
        } else {
            json.bytes.append(contentsOf: (isFinite ? "\(self)" : "null").utf8)
        }
    }
}

extension Int64: JSONWritable {
    package func write(to json: inout JSONWriter) { json.integer(self) }
}

extension UInt: JSONWritable {
    package func write(to json: inout JSONWriter) { json.integer(self) }
}

extension Timestamp: JSONWritable {
    package func write(to json: inout JSONWriter) { json.timestamp(self) }
}

/// Nil is an explicit `null`.
extension Optional: JSONWritable where Wrapped: JSONWritable {
    package func write(to json: inout JSONWriter) {
        if let self { self.write(to: &json) } else { json.null() }
    }
}

extension Array: JSONWritable where Element: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.array(of: self) { json, element in element.write(to: &json) }
    }
}

/// An object whose members are sorted by name, as Go writes its maps.
extension Dictionary: JSONWritable where Key == String, Value: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            for (name, value) in self.sorted(by: { $0.key < $1.key }) { o.field(named: name, value) }
        }
    }
}

/// An enum of strings needs only to declare the conformance; it is written as its raw value.
extension JSONWritable where Self: RawRepresentable, RawValue: JSONWritable {
    package func write(to json: inout JSONWriter) {
        rawValue.write(to: &json)
    }
}
