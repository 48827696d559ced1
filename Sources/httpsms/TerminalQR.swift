import CQREncode

/// A text as a QR code of characters, two modules high each.
enum TerminalQR {
    /// Dark on light by its own colours, so that it can be scanned on any terminal; nil for a text that is too long.
    static func draw(_ text: String) -> String? {
        // Low: a screen is clean, and fewer modules fit better. Version 0 is the smallest that holds the text.
        guard !text.isEmpty, let code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L) else { return nil }
        defer { QRcode_free(code) }
        let width = Int(code.pointee.width)
        let modules = UnsafeBufferPointer(start: code.pointee.data, count: width * width)
        func isDark(_ row: Int, _ column: Int) -> Bool {
            (0..<width).contains(row) && (0..<width).contains(column) && modules[row * width + column] & 1 == 1
        }
        let columns = -quiet..<(width + quiet)
        let lines = stride(from: -quiet, to: width + quiet, by: 2).map { row in
            let cells = columns.map { column in
                switch (isDark(row, column), isDark(row + 1, column)) {
                case (true, true): "█"
                case (true, false): "▀"
                case (false, true): "▄"
                case (false, false): " "
                }
            }
            // Black on white.
            return "\u{1b}[30;47m" + cells.joined() + "\u{1b}[0m"
        }
        return lines.joined(separator: "\n")
    }

    /// Modules around the code; four are the norm, scanners of phones take two.
    private static let quiet = 2
}
