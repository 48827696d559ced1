import CLibZip
import Foundation

/// Reads the entries of a ZIP archive in memory, and no more than a bounded number of bytes of it.
final class XLSXArchive {
    /// A workbook has some ten, and one for each picture and sheet.
    static let maximumEntries = 1_000

    private let archive: OpaquePointer
    /// What the entries may still inflate to.
    private var budget: Int

    /// Opens `bytes`, of which at most `limit` bytes may come out in all; nil when they are no archive, or one with more
    /// than ``maximumEntries``.
    init?(_ bytes: ArraySlice<UInt8>, limit: Int) {
        // libzip keeps the names in a table whose lists grow long for names that were chosen so. So they are counted before.
        guard Self.mostEntries(in: bytes) <= Self.maximumEntries else { return nil }
        // libzip frees the buffer with free(), so it gets a copy that malloc() made.
        guard !bytes.isEmpty, let copy = malloc(bytes.count) else { return nil }
        bytes.withUnsafeBytes { copy.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: $0.count) }
        guard let source = zip_source_buffer_create(copy, zip_uint64_t(bytes.count), 1, nil) else {
            free(copy)
            return nil
        }
        guard let archive = zip_open_from_source(source, Int32(ZIP_RDONLY), nil) else {
            zip_source_free(source)
            return nil
        }
        self.archive = archive
        budget = limit
    }

    deinit {
        zip_discard(archive)
    }

    /// The entry `name`; nil when there is none.
    ///
    /// - Throws: ``TooLarge`` when it inflates to more than is left of the limit, ``Damaged``.
    func entry(_ name: String) throws -> [UInt8]? {
        guard !name.utf8.contains(0) else { throw Damaged() }
        let index = zip_name_locate(archive, name, zip_flags_t(ZIP_FL_NOCASE))
        guard index >= 0 else { return nil }
        var facts = zip_stat_t()
        // Workbooks are stored or deflated. Other methods take as much memory as the archive says, whatever it holds.
        guard zip_stat_index(archive, zip_uint64_t(index), 0, &facts) == 0,
            [UInt16(ZIP_CM_STORE), UInt16(ZIP_CM_DEFLATE)].contains(facts.comp_method),
            let file = zip_fopen_index(archive, zip_uint64_t(index), 0)
        else { throw Damaged() }
        defer { zip_fclose(file) }
        var data: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            // What the archive says of its sizes may be a lie: what counts is what comes out.
            let count = Int(zip_fread(file, &chunk, zip_uint64_t(chunk.count)))
            if count < 0 { throw Damaged() }
            if count == 0 { return data }
            budget -= count
            if budget < 0 { throw TooLarge() }
            data.append(contentsOf: chunk[..<count])
        }
    }

    /// How many entries there can be at most: each has a header in the central directory, which begins with `PK` 1 2.
    private static func mostEntries(in bytes: ArraySlice<UInt8>) -> Int {
        var count = 0
        var matched = 0
        for byte in bytes {
            switch (matched, byte) {
            case (0, 0x50), (1, 0x4b), (2, 0x01): matched += 1
            case (3, 0x02):
                count += 1
                matched = 0
            default: matched = byte == 0x50 ? 1 : 0
            }
        }
        return count
    }

    /// The entries inflate to more than is allowed.
    struct TooLarge: Error {}

    /// The archive does not hold what it says.
    struct Damaged: Error {}
}
