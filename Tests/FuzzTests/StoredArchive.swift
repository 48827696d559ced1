/// Writes ZIP archives whose entries are stored as they are, so that a mutation of a part is one of the file.
enum StoredArchive {
    /// The archive of `entries`, by their paths.
    static func bytes(of entries: [String: [UInt8]]) -> [UInt8] {
        var archive: [UInt8] = []
        var directory: [UInt8] = []
        for (path, content) in entries.sorted(by: { $0.key < $1.key }) {
            let offset = archive.count
            // Version 2.0, no flags, stored, 1980-01-01.
            let common =
                number(20, 2) + number(0, 4) + number(0, 2) + number(0x21, 2) + number(checksum(content), 4)
                + number(content.count, 4) + number(content.count, 4) + number(path.utf8.count, 2) + number(0, 2)
            archive += [0x50, 0x4B, 3, 4] + common + path.utf8 + content
            directory += [0x50, 0x4B, 1, 2] + number(20, 2) + common + number(0, 2) + number(0, 2) + number(0, 2)
            directory += number(0, 4) + number(offset, 4) + path.utf8
        }
        let end =
            number(0, 4) + number(entries.count, 2) + number(entries.count, 2) + number(directory.count, 4)
            + number(archive.count, 4) + number(0, 2)
        return archive + directory + [0x50, 0x4B, 5, 6] + end
    }

    private static func number(_ value: Int, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    /// CRC-32 as ZIP has it.
    private static func checksum(_ bytes: [UInt8]) -> Int {
        Int(bytes.reduce(~UInt32(0)) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ ($0 >> 8) } ^ ~UInt32(0))
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
    }
}
