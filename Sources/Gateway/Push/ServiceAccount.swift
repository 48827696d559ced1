import Delivery
import Foundation
import JWTKit
import Secrets
import Storage
import Timestamps

/// A Google service account, as Firebase's console gives it out.
package struct ServiceAccount: Sendable {
    /// The Firebase project.
    let projectID: String
    /// Who the account is.
    let clientEmail: String
    /// RSA, PEM.
    let privateKey: Secret<String>
    /// Where access tokens come from.
    let tokenURI: String

    private struct File: Decodable {
        let projectID: String
        let clientEmail: String
        let privateKey: String
        let tokenURI: String?

        enum CodingKeys: String, CodingKey {
            case projectID = "project_id"
            case clientEmail = "client_email"
            case privateKey = "private_key"
            case tokenURI = "token_uri"
        }
    }

    /// Reads the account from its JSON, or from the file at a path; nil when it is incomplete.
    ///
    /// - Throws: `OperatorFile.Unreadable`.
    package init?(jsonOrPath text: String) throws(OperatorFile.Unreadable) {
        var json = Array(text.utf8)
        if !text.hasPrefix("{") {
            do throws(OperatorFile.Unreadable) {
                json = try OperatorFile.contents(of: text)
            } catch {
                // What does not look like a path may be the account itself, written in another way: it is not repeated.
                guard text.hasPrefix("/") || text.hasPrefix(".") else { return nil }
                throw error
            }
        }
        // Whatever is wrong with it, the operator is told what it should be.
        guard let file = try? JSONDecoder().decode(File.self, from: Data(json)),
            !file.projectID.isEmpty, !file.clientEmail.isEmpty, file.privateKey.contains("PRIVATE KEY")
        else { return nil }
        projectID = file.projectID
        clientEmail = file.clientEmail
        privateKey = Secret(file.privateKey)
        tokenURI = file.tokenURI ?? "https://oauth2.googleapis.com/token"
    }

    /// What the account asks for access tokens with: it signs who it is (RFC 7523).
    ///
    /// - Throws: When its key is not an RSA key.
    func tokenForm() async throws -> AccessTokens.Form {
        let keys = JWTKeyCollection()
        await keys.add(rsa: try Insecure.RSA.PrivateKey(pem: privateKey.exposed), digestAlgorithm: .sha256)
        return { [clientEmail, tokenURI] now in
            let seconds = now.wall.microseconds / 1_000_000
            let assertion = try await keys.sign(
                Assertion(
                    iss: clientEmail, scope: "https://www.googleapis.com/auth/firebase.messaging", aud: tokenURI,
                    iat: seconds, exp: seconds + 3_600))
            // A JWT needs no escaping in a form.
            return "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=\(assertion)"
        }
    }

    private struct Assertion: JWTPayload {
        let iss: String
        let scope: String
        let aud: String
        let iat: Int64
        let exp: Int64

        /// We only sign.
        func verify(using algorithm: some JWTAlgorithm) {}
    }
}
