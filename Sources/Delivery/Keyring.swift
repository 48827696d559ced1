import Crypto
import Foundation
import Storage

/// Encrypts what must be shown again: API keys and signing keys, under AES-256-GCM with the server's master key.
///
/// A ciphertext is `version (1) | key id (8) | nonce (12) | data | tag (16)`. It is bound to where it stands: the same
/// bytes in another table, column or row do not open.
package struct Keyring: Sendable {
    /// Where a ciphertext stands; part of what GCM authenticates.
    package struct Place: Sendable {
        let text: String

        /// Names a cell, such as `Place("endpoint", "signing_key", id.text, userID)`.
        package init(_ table: String, _ column: String, _ row: String, _ user: UserID) {
            text = "\(table)/\(column)/\(row)/\(user)"
        }
    }

    /// The master key does not fit, or a ciphertext was altered.
    package struct Unreadable: Error {}

    private let key: SymmetricKey
    private let keyID: [UInt8]

    /// Takes a master key of 32 bytes.
    ///
    /// - Throws: `InvalidMasterKey` when it has another length.
    package init(masterKey: [UInt8]) throws(InvalidMasterKey) {
        guard masterKey.count == 32 else { throw InvalidMasterKey(byteCount: masterKey.count) }
        key = SymmetricKey(data: masterKey)
        keyID = Array(SHA256.hash(data: Array("httpsms master key".utf8) + masterKey).prefix(8))
    }

    /// Encrypts `text`.
    package func seal(_ text: String, at place: Place) throws -> [UInt8] {
        let box = try AES.GCM.seal(Array(text.utf8), using: key, authenticating: Array(place.text.utf8))
        return [Self.version] + keyID + Array(box.nonce) + Array(box.ciphertext) + Array(box.tag)
    }

    /// Decrypts what ``seal(_:at:)`` made for the same place.
    ///
    /// - Throws: ``Unreadable``.
    package func open(_ sealed: [UInt8], at place: Place) throws(Unreadable) -> String {
        guard sealed.count >= 37, sealed[0] == Self.version, Array(sealed[1..<9]) == keyID else { throw Unreadable() }
        do {
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: sealed[9..<21]), ciphertext: sealed[21..<(sealed.count - 16)],
                tag: sealed[(sealed.count - 16)...])
            let data = try AES.GCM.open(box, using: key, authenticating: Array(place.text.utf8))
            return String(decoding: data, as: UTF8.self)
        } catch {
            throw Unreadable()
        }
    }

    /// Compares the key with the one the store was written with; writes the check value on first use.
    ///
    /// - Throws: ``WrongMasterKey`` when the store was written under another key.
    package func check(in tx: any Transaction) throws {
        let place = Place("master_key_check", "ciphertext", "", UserID(""))
        let rows = try tx.rows("SELECT ciphertext FROM master_key_check ORDER BY key_id")
        if rows.isEmpty {
            let identifier = keyID.map { String(format: "%02x", $0) }.joined()
            let sealed = try seal(Self.checkText, at: place)
            try tx.run("INSERT INTO master_key_check (key_id, ciphertext) VALUES (\(identifier), \(sealed))")
            return
        }
        for row in rows {
            // A ciphertext that does not open is the answer "another key".
            if (try? open(row.get("ciphertext"), at: place)) == Self.checkText { return }
        }
        throw WrongMasterKey()
    }

    private static let version: UInt8 = 1
    private static let checkText = "this store was written with this master key"
}

/// A master key of the wrong length.
package struct InvalidMasterKey: Error, CustomStringConvertible {
    /// How many bytes it has.
    package let byteCount: Int

    package var description: String { "a master key has 32 bytes, this one \(byteCount)" }
}

/// The store was written under another master key.
package struct WrongMasterKey: Error, CustomStringConvertible {
    package var description: String {
        "the store was written with another master key: set MASTER_KEY, or restore the key file, to the one it had"
    }
}
