import Foundation
import Gateway
import Hummingbird

/// A link that was made for somebody, as the page that follows the form shows it: once.
struct InvitationLink: Sendable {
    let email: String
    /// What a member of the team may do; nil for an account of their own.
    let may: String?
    let link: String
    /// Opens a letter to them.
    let mail: String
    /// The page that the form is on, and what that is called.
    let back: String
    let backName: String
    /// What the link does, at the end of a sentence.
    let purpose: String
    /// Whether the server mails it to them.
    let isMailed: Bool

    /// - Parameters:
    ///   - email: Whom it is for.
    ///   - sent: What opens the door.
    ///   - may: What a member of the team may do; nil for an account of their own.
    ///   - letter: What the letter says the link is opened for.
    ///   - purpose: What the link does, at the end of a sentence.
    ///   - back: The page that the form is on, and what that is called.
    ///   - baseURL: Where this server is.
    init(
        email: String, _ sent: SentInvitation, may: String? = nil, letter: String, purpose: String,
        back: (path: String, name: String),
        baseURL: String
    ) {
        let link = "\(baseURL)/invitation?token=\(sent.token)"
        let text = "Open this link within 7 days \(letter): \(link)"
        // Percent-encoding to alphanumerics cannot fail.
        let body = text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let to = email.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        mail = "mailto:\(to)?subject=Your%20httpSMS%20account&body=\(body)"
        (self.email, self.link, self.purpose, self.isMailed) = (email, link, purpose, sent.isMailed)
        self.may = may
        (self.back, backName) = back
    }
}
