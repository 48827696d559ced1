import Delivery
import Foundation
import Storage
import Timestamps

/// E-mail about signing in. Its links begin with `APP_URL`: what a request calls this server is whatever its sender likes, and would
/// have a letter lead there.
package struct AccountLetters: Sendable {
    /// Without a slash at the end.
    private let baseURL: String

    /// Nil where no e-mail can be sent, or `APP_URL` is not set.
    ///
    /// - Parameters:
    ///   - site: Under which name this server is reached.
    ///   - mails: Whether e-mail can be sent.
    package init?(site: ServerSite, mails: Bool) {
        guard mails, let url = site.appURL?.text else { return nil }
        baseURL = url.hasSuffix("/") ? String(url.dropLast()) : url
    }

    /// Tells somebody how to choose another password.
    ///
    /// - Parameters:
    ///   - account: Whose.
    ///   - pass: What the link carries.
    ///   - tx: What asks for it; nothing is sent when it fails.
    /// - Throws: `StorageError`.
    func reset(_ account: AccessQueries.Account, pass: String, in tx: any Transaction) throws {
        try send(
            to: account.email, "Another password for httpSMS",
            """
            Somebody asked for another password for \(account.email). Choose it within an hour:

            \(link("/new-password", pass))

            The link works once. If it was not you, do nothing: the password stays as it is.
            """, for: account.person.account, in: tx)
    }

    /// Asks somebody in. An account sends 20 of these within 15 minutes and an address gets three: nobody floods others from here.
    ///
    /// - Parameters:
    ///   - email: Whom.
    ///   - token: What the link carries.
    ///   - words: Who asks for what, as a sentence without its end.
    ///   - userID: Whose account asks.
    ///   - tx: What asks for it; nothing is sent when it fails.
    /// - Returns: Whether it is sent.
    /// - Throws: `StorageError`.
    func invite(
        _ email: String, token: String, _ words: String, from userID: UserID, in tx: any Transaction
    ) throws -> Bool {
        guard Mail.isAddress(email), try AccessQueries.countAttempt(.letters(from: userID), in: tx) != nil,
            try AccessQueries.countAttempt(.letters(to: email), in: tx) != nil
        else { return false }
        try send(
            to: email, "Your invitation to httpSMS",
            """
            \(words) within 7 days:

            \(link("/invitation", token))

            The link works once. If you do not know what this is about, do nothing.
            """, for: userID, in: tx)
        return true
    }

    private func link(_ path: String, _ token: String) -> String {
        // Percent-encoding to alphanumerics cannot fail.
        "\(baseURL)\(path)?token=\(token.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
    }

    private func send(
        to email: String, _ subject: String, _ body: String, for userID: UserID, in tx: any Transaction
    ) throws {
        try MailQueries.insert(
            Mail(id: MailID(at: tx.now), recipient: email, subject: subject, body: body), userID: userID, in: tx)
    }
}
