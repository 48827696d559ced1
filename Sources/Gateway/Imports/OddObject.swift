import Foundation
import Timestamps

/// A JSON object as another server wrote it, of which each member may be missing, null, or of another type than expected.
struct OddObject {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { stringValue = name }

        init?(stringValue: String) { self.stringValue = stringValue }

        init?(intValue: Int) { nil }
    }

    private let members: KeyedDecodingContainer<Key>

    /// - Throws: `DecodingError` for what is no object.
    init(_ decoder: any Decoder) throws {
        members = try decoder.container(keyedBy: Key.self)
    }

    // Each `try?` below asks whether the member has this type.

    /// The text of the first of `names` that has one, or its number as text; nil when none has.
    func text(_ names: String...) -> String? {
        for name in names {
            if let text = try? members.decode(String.self, forKey: Key(name)) { return text }
            if let number = whole(name) { return "\(number)" }
        }
        return nil
    }

    /// The text; empty when there is none.
    func anyText(_ name: String) -> String { text(name) ?? "" }

    /// A whole number, the nearest one of 64 bits; nil when there is none.
    func whole(_ names: String...) -> Int64? {
        for name in names {
            if let number = try? members.decode(Int64.self, forKey: Key(name)) { return number }
            if let number = try? members.decode(Double.self, forKey: Key(name)) { return Int64(clamping: number) }
        }
        return nil
    }

    /// Yes or no; nil when it is neither.
    func bool(_ name: String) -> Bool? {
        if let value = try? members.decode(Bool.self, forKey: Key(name)) { return value }
        return whole(name).map { $0 != 0 }
    }

    /// The texts of a list; empty for anything else.
    func texts(_ name: String) -> [String] {
        ((try? members.decode([String?].self, forKey: Key(name))) ?? []).compactMap(\.self)
    }

    /// A time as it is written there; nil when there is none.
    func time(_ names: String...) -> PhoneTime? {
        for name in names {
            if let text = text(name), !text.isEmpty { return PhoneTime(text) }
        }
        return nil
    }
}
