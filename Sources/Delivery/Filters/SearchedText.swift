/// A text in which parts are looked for by their bytes, in time that grows with the lengths of both and with nothing else.
///
/// What is found is whole characters, as a reader sees them: not the `x` of an `x` with a mark on it, nor half a flag. Text
/// and part must be composed (NFC): then equal characters have equal bytes.
struct SearchedText: Sendable {
    private let bytes: [UInt8]
    /// Whether a character begins at the byte, or the text ends before it: one more than there are bytes.
    private let isEdge: [Bool]

    /// Finds the edges of the characters.
    init(_ text: String) {
        bytes = Array(text.utf8)
        var isEdge = [Bool](repeating: false, count: bytes.count + 1)
        var place = 0
        isEdge[0] = true
        for character in text {
            place += character.utf8.count
            isEdge[place] = true
        }
        self.isEdge = isEdge
    }

    /// What is looked for, with what Knuth, Morris and Pratt make of it: no byte of a text is ever gone back to.
    struct Part: Sendable {
        fileprivate let bytes: [UInt8]
        /// For each byte, how many bytes up to it are also those that the part begins with, fewer than all of them.
        fileprivate let borders: [Int32]

        /// Prepares it.
        init(_ text: String) {
            let bytes = Array(text.utf8)
            var borders = [Int32](repeating: 0, count: bytes.count)
            var length = 0
            for index in bytes.indices.dropFirst() {
                while length > 0, bytes[length] != bytes[index] { length = Int(borders[length - 1]) }
                if bytes[length] == bytes[index] { length += 1 }
                borders[index] = Int32(clamping: length)
            }
            (self.bytes, self.borders) = (bytes, borders)
        }
    }

    /// Whether it contains `part`; adds to `steps` how many bytes were compared: at most two for each of the text's.
    func contains(_ part: Part, steps: inout Int) -> Bool {
        guard let last = part.bytes.indices.last else { return true }
        var length = 0
        for index in bytes.indices {
            steps += 1
            while length > 0, part.bytes[length] != bytes[index] {
                steps += 1
                length = Int(part.borders[length - 1])
            }
            guard part.bytes[length] == bytes[index] else { continue }
            if length < last {
                length += 1
            } else if isEdge[index - last], isEdge[index + 1] {
                return true
            } else {
                length = Int(part.borders[last])
            }
        }
        return false
    }
}
