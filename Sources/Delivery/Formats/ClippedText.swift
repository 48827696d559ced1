/// Text that is put together piece by piece and stays within a limit: what does not fit is cut, whole pieces at a time, and
/// ends in `…`. Linear in what is appended.
struct ClippedText {
    private var scalars: [Unicode.Scalar] = []
    private var used = 0
    /// How many scalars leave room for the end.
    private var kept = 0
    private var isCut = false
    private let limit: Int
    private let cost: (Unicode.Scalar) -> Int

    private static let end: Unicode.Scalar = "…"

    /// Begins an empty text of at most `limit`, counted by `cost`.
    init(limit: Int, cost: @escaping (Unicode.Scalar) -> Int) {
        self.limit = limit
        self.cost = cost
    }

    /// The text so far.
    var text: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// Appends what must not be torn apart, such as an escape.
    mutating func append(piece: some Sequence<Unicode.Scalar>) {
        if isCut { return }
        for scalar in piece {
            scalars.append(scalar)
            used += cost(scalar)
        }
        if used > limit {
            scalars.removeSubrange(kept...)
            scalars.append(Self.end)
            isCut = true
        } else if used + cost(Self.end) <= limit {
            kept = scalars.count
        }
    }

    /// Appends text that may be cut anywhere, each scalar as `escaped` writes it.
    mutating func append(_ text: String, escaped: (Unicode.Scalar) -> String? = { _ in nil }) {
        for scalar in text.unicodeScalars {
            if isCut { return }
            if let escape = escaped(scalar) {
                append(piece: escape.unicodeScalars)
            } else {
                append(piece: CollectionOfOne(scalar))
            }
        }
    }

    /// Counts UTF-16 units, at least as many as characters: where a service does not say what it counts.
    static func utf16(_ scalar: Unicode.Scalar) -> Int { scalar.value > 0xFFFF ? 2 : 1 }

    /// Counts bytes of UTF-8.
    static func utf8(_ scalar: Unicode.Scalar) -> Int { UTF8.width(scalar) }

    /// Counts bytes in JSON, at most: six for what may be escaped.
    static func json(_ scalar: Unicode.Scalar) -> Int {
        switch scalar {
        case "\u{0}"..<" ", "\"", "\\", "<", ">", "&", "\u{7F}", "\u{2028}", "\u{2029}": 6
        default: UTF8.width(scalar)
        }
    }
}
