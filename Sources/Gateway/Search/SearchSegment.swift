import Storage

/// Some thousand messages of one account, as the index stores them: for each number of ``SearchGram``, which of them
/// have it.
///
/// ```
/// parts 0 to 1023   64 numbers each: number (1 byte), length, places of the messages
/// parts 1024 on     the ids of 64 messages each, 36 bytes an id
/// ```
///
/// Places are the distances between them, and lengths: seven bits a byte, the lowest first, the eighth bit on all but the
/// last one.
struct SearchSegment {
    /// Messages that a segment may have.
    static let most = 4_096
    /// Parts that a segment may have.
    static let parts = 2_048
    /// Messages whose ids are in one part.
    private static let idsInPart = 64
    private static let idLength = 36
    private static let firstIDPart = 1_024

    private(set) var ids: [MessageID] = []
    /// Each a number, and behind it a place of 12 bits; not in order.
    private var entries: [UInt32] = []

    /// Adds a message with the text that searches look through; what is beyond ``most`` is left out.
    mutating func add(_ id: MessageID, _ text: String) {
        guard ids.count < Self.most, let place = UInt32(exactly: ids.count) else { return }
        ids.append(id)
        SearchGram.each(in: text) { entries.append(UInt32(truncatingIfNeeded: $0) << 12 | place) }
    }

    /// The parts that are not empty, in order.
    func encoded() -> [(part: Int, data: [UInt8])] {
        var encoded: [(part: Int, data: [UInt8])] = []
        var sorted = entries
        sorted.sort()
        var rest = sorted[...]
        while let first = rest.first {
            let end = rest.firstIndex { $0 >> 12 != first >> 12 } ?? rest.endIndex
            let places = Self.encoded(rest[..<end].map { $0 & 0xfff })
            rest = rest[end...]
            let number = SearchGram.Number(truncatingIfNeeded: first >> 12)
            let part = Self.part(of: number)
            if encoded.last?.part != part { encoded.append((part, [])) }
            let entry = [UInt8(truncatingIfNeeded: number & 63)] + Self.varint(UInt32(clamping: places.count)) + places
            encoded[encoded.count - 1].data += entry
        }
        for start in stride(from: 0, to: ids.count, by: Self.idsInPart) {
            let bytes = ids[start..<min(start + Self.idsInPart, ids.count)].flatMap { $0.text.utf8 }
            encoded.append((Self.firstIDPart + start / Self.idsInPart, bytes))
        }
        return encoded
    }

    /// In which part the messages with a number are.
    static func part(of number: SearchGram.Number) -> Int { Int(number >> 6) }

    /// In which part the id of the message at `place` is.
    static func part(ofPlace place: Int) -> Int { firstIDPart + place / idsInPart }

    /// The places of the messages with `number`, in order, read from its part; nil when the part cannot be read.
    static func places(with number: SearchGram.Number, in part: [UInt8]) -> [Int]? {
        var rest = part[...]
        while let first = rest.popFirst() {
            guard let length = readVarint(&rest), length <= rest.count else { return nil }
            var bytes = rest.prefix(length)
            rest = rest.dropFirst(length)
            guard first == UInt8(truncatingIfNeeded: number & 63) else { continue }
            var (places, last): ([Int], Int) = ([], 0)
            while !bytes.isEmpty {
                guard let distance = readVarint(&bytes) else { return nil }
                last += distance
                guard last < most else { return nil }
                places.append(last)
            }
            return places
        }
        return []
    }

    /// The id of the message at `place`, read from its part; nil when the part cannot be read.
    static func id(ofPlace place: Int, in part: [UInt8]) -> MessageID? {
        let bytes = part.dropFirst(place % idsInPart * idLength).prefix(idLength)
        return MessageID(String(decoding: bytes, as: UTF8.self))
    }

    /// All ids in a part of ids, in order; nil when it cannot be read.
    static func ids(in part: [UInt8]) -> [MessageID]? {
        let ids = (0..<part.count / idLength).compactMap { id(ofPlace: $0, in: part) }
        return ids.count * idLength == part.count ? ids : nil
    }

    /// Distances; equal places are one.
    private static func encoded(_ places: [UInt32]) -> [UInt8] {
        var (bytes, last): ([UInt8], UInt32?) = ([], nil)
        for place in places where place != last {
            bytes += varint(place - (last ?? 0))
            last = place
        }
        return bytes
    }

    private static func varint(_ value: UInt32) -> [UInt8] {
        var (bytes, rest): ([UInt8], UInt32) = ([], value)
        while rest > 0x7f {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(truncatingIfNeeded: rest)]
    }

    /// Of three bytes at most; nil when it is longer or cut off.
    private static func readVarint(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        var value = 0
        for shift in [0, 7, 14] {
            guard let byte = bytes.popFirst() else { return nil }
            value |= Int(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }
}
