extension String {
    /// The text with a space for each character that would steer a terminal.
    package var printable: String { printable(keepsLines: false) }

    /// The same, but for the ends of lines.
    package var printableLines: String { printable(keepsLines: true) }

    private func printable(keepsLines: Bool) -> String {
        let isControl: (Unicode.Scalar) -> Bool = { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .format: !(keepsLines && scalar == "\n")
            default: false
            }
        }
        guard unicodeScalars.contains(where: isControl) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { isControl($0) ? " " : $0 }))
    }
}
