import CQREncode
/// A text as a QR code, to be drawn as one path of an SVG.
struct QRCode: Sendable {
    /// Modules in a row or column, the four of the quiet zone on each side included.
    let size: Int
    /// The dark modules: what stands in the `d` of a `path`, one unit a module.
    let path: String

    /// Encodes `text`; nil when it is longer than a code holds, some 2,300 bytes.
    init?(_ text: String) {
        // Medium: up to 15 % of it may be covered, by a reflection or a thumb. Version 0 is the smallest that holds it.
        guard !text.isEmpty, let code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M) else { return nil }
        defer { QRcode_free(code) }
        let width = Int(code.pointee.width)
        let modules = UnsafeBufferPointer(start: code.pointee.data, count: width * width)
        var path = ""
        for row in 0..<width {
            var column = 0
            while column < width {
                // The lowest bit of each byte says whether the module is dark; neighbours are drawn in one go.
                let run = modules[(row * width + column)..<((row + 1) * width)].prefix { $0 & 1 == 1 }.count
                if run > 0 { path += "M\(column + Self.quiet) \(row + Self.quiet)h\(run)v1h-\(run)z" }
                column += run + 1
            }
        }
        size = width + 2 * Self.quiet
        self.path = path
    }

    /// What scanners need around a code (ISO/IEC 18004).
    private static let quiet = 4
}
