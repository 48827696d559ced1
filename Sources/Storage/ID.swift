import Timestamps

/// The identifier of an `Entity`: lower-case UUID text, told apart from other entities' ids by the compiler.
///
/// New ids are UUIDv7 (RFC 9562 section 5.7), so ids made later sort later. Ids that clients send are any UUID.
package struct ID<Entity>: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 36 characters, lower-case, hyphenated.
    package let text: String

    /// Takes an id that this server made or already checked, such as one read from the store.
    package init(trusted text: String) {
        self.text = text
    }

    /// Reads an id from outside: any UUID in the 8-4-4-4-12 form, folded to lower case; nil for anything else.
    package init?(_ text: some StringProtocol) {
        guard let uuid = UUIDText.canonical(text) else { return nil }
        self.text = uuid
    }

    /// Makes a new UUIDv7 whose first 48 bits are the milliseconds of `now`.
    package init(at now: Timestamp) {
        var generator = SystemRandomNumberGenerator()
        text = UUIDText.version7(at: now, high: generator.next(), low: generator.next())
    }

    /// Makes a new UUIDv7 of the time that `clock` gives, from what it draws.
    package init(from clock: any WallClock) {
        text = UUIDText.version7(at: clock.now(), high: clock.draw(), low: clock.draw())
    }

    package var description: String { text }

    package static func < (left: ID, right: ID) -> Bool { left.text < right.text }
}

extension ID: SQLConvertible {
    package var sqlValue: SQLValue { .text(text) }

    package init?(sqlValue: SQLValue) {
        guard case .text(let text) = sqlValue else { return nil }
        self.init(trusted: text)
    }
}

/// UUIDs as text.
package enum UUIDText {
    /// Folds a UUID in the 8-4-4-4-12 form to lower case; nil when it is not one. The version is not looked at.
    package static func canonical(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(36)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): bytes.append(byte)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): bytes.append(byte | 0x20)
            case UInt8(ascii: "-") where [8, 13, 18, 23].contains(bytes.count): bytes.append(byte)
            default: return nil
            }
            guard bytes.count <= 36 else { return nil }
        }
        guard bytes.count == 36, [8, 13, 18, 23].allSatisfy({ bytes[$0] == UInt8(ascii: "-") }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The UUIDv7 with the milliseconds of `now`, the low 12 bits of `high` and the low 62 bits of `low`.
    package static func version7(at now: Timestamp, high: UInt64, low: UInt64) -> String {
        let milliseconds = UInt64(max(0, now.microseconds / 1_000))
        let first = milliseconds << 16 | 0x7000 | high & 0x0fff
        let second = 0x8000_0000_0000_0000 | low & 0x3fff_ffff_ffff_ffff
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: 36) { buffer in
            var end = 0
            for index in 0..<32 {
                if [8, 12, 16, 20].contains(index) {
                    buffer[end] = UInt8(ascii: "-")
                    end += 1
                }
                let word = index < 16 ? first : second
                buffer[end] = digits[Int(word >> UInt64((15 - index % 16) * 4) & 0xf)]
                end += 1
            }
            return end
        }
    }
}
