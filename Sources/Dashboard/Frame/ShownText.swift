import Wire

/// A text as a list shows it: its beginning where it is long, so that a page of long texts is no long page. What makes the
/// list says where all of it is.
struct ShownText {
    /// In bytes. The 255 parts of an SMS are longer, and rare; a received text may have 128 KiB.
    static let longest = 4 << 10

    /// All of it, or the beginning with an ellipsis.
    let text: String
    /// How long all of it is, for people; nil where all of it is shown.
    let wholeSize: String?

    /// Cuts `whole` where it is long.
    init(_ whole: String) {
        let count = whole.utf8.count
        guard count > Self.longest else {
            (text, wholeSize) = (whole, nil)
            return
        }
        text = whole.firstBytes(Self.longest) + "…"
        wholeSize = "\((count + 1_023) / 1_024) KiB"
    }
}
