/// A key that is shown in the answer to a form: no address leads to it, and nothing keeps it.
struct ShownKey: Sendable {
    let title: String
    /// The page that it belongs to, and what that is called.
    let back: String
    let backName: String
    /// What somebody can do with it, in a sentence.
    let power: String
    let apiKey: String
    /// For the httpSMS app; nil for a key that no phone takes.
    let code: QRCode?
}
