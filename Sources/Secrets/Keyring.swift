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

    /// By their ids; more than one while the master key is being rotated.
    private let keys: [[UInt8]: SymmetricKey]
    /// The key that seals.
    private let keyID: [UInt8]

    /// Reads a master key: 32 bytes in base64; nil for anything else.
    package static func masterKey(_ text: String) -> [UInt8]? {
        guard let data = Data(base64Encoded: text), data.count == 32 else { return nil }
        return Array(data)
    }

    /// Takes a master key of 32 bytes, which seals, and another one that only opens.
    ///
    /// - Throws: `InvalidMasterKey` when one has another length.
    package init(masterKey: [UInt8], other: [UInt8]? = nil) throws(InvalidMasterKey) {
        var keys: [[UInt8]: SymmetricKey] = [:]
        for bytes in [masterKey, other].compactMap(\.self) {
            guard bytes.count == 32 else { throw InvalidMasterKey(byteCount: bytes.count) }
            keys[Self.id(of: bytes)] = SymmetricKey(data: bytes)
        }
        self.keys = keys
        keyID = Self.id(of: masterKey)
    }

    private init(_ other: Keyring, sealingWith keyID: [UInt8]) {
        keys = other.keys
        self.keyID = keyID
    }

    private static func id(of masterKey: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: Array("httpsms master key".utf8) + masterKey).prefix(8))
    }

    /// The id of the key that seals, as it stands in the store.
    package var identifier: String { Self.text(keyID) }

    /// Whether there is a second key.
    package var isPair: Bool { keys.count > 1 }

    /// Encrypts `text`.
    ///
    /// - Throws: ``Unreadable``.
    package func seal(_ text: String, at place: Place) throws -> [UInt8] {
        guard let key = keys[keyID] else { throw Unreadable() }
        let box = try AES.GCM.seal(Array(text.utf8), using: key, authenticating: Array(place.text.utf8))
        return [Self.version] + keyID + Array(box.nonce) + Array(box.ciphertext) + Array(box.tag)
    }

    /// Decrypts what ``seal(_:at:)`` made for the same place.
    ///
    /// - Throws: ``Unreadable``.
    package func open(_ sealed: [UInt8], at place: Place) throws(Unreadable) -> String {
        guard sealed.count >= 37, sealed[0] == Self.version, let key = keys[Array(sealed[1..<9])] else {
            throw Unreadable()
        }
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

    /// Whether the key that seals made this ciphertext.
    package func isCurrent(_ sealed: [UInt8]) -> Bool { sealed.dropFirst().prefix(8).elementsEqual(keyID) }

    /// Compares the keys with those the store was written with, which it names, and gives the ring to use.
    ///
    /// A key is named in the store before anything is sealed with it. The first one is named by whoever comes first, another
    /// one by a server that starts with both: from then on whoever uses the store needs both, until ``forgetOther(in:)``.
    /// Whoever else has a key that is not named yet seals with the one that is.
    ///
    /// - Parameters:
    ///   - activates: Whether the master key is named when it is not yet.
    ///   - tx: Where.
    /// - Returns: The ring to use.
    /// - Throws: ``WrongMasterKey`` when the store was written under a key that is not here.
    package func settled(activates: Bool, in tx: any Transaction) throws -> Keyring {
        let rows = try tx.rows("SELECT key_id, ciphertext FROM master_key_check ORDER BY key_id")
        let named: [String] = try rows.map { try $0.get("key_id") }
        for row in rows {
            // A ciphertext that does not open is the answer "another key".
            guard (try? open(row.get("ciphertext"), at: Self.checkPlace)) == Self.checkText else {
                throw WrongMasterKey(identifier: try row.get("key_id"), isRotating: rows.count > 1)
            }
        }
        if named.contains(identifier) { return self }
        if !named.isEmpty, !activates, let other = keys.keys.first(where: { named.contains(Self.text($0)) }) {
            return Keyring(self, sealingWith: other)
        }
        let sealed = try seal(Self.checkText, at: Self.checkPlace)
        try tx.run("INSERT INTO master_key_check (key_id, ciphertext) VALUES (\(identifier), \(sealed))")
        return self
    }

    /// Has the store no longer need the key that only opens. A key that is not here belongs to a later rotation, and stays named.
    package func forgetOther(in tx: any Transaction) throws {
        for id in keys.keys where id != keyID {
            try tx.run("DELETE FROM master_key_check WHERE key_id = \(Self.text(id))")
        }
    }

    private static func text(_ id: [UInt8]) -> String { id.map { String(format: "%02x", $0) }.joined() }

    private static let checkPlace = Place("master_key_check", "ciphertext", "", UserID(""))
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
    /// The id of a key that the store needs and that is not here.
    package let identifier: String
    /// Whether the store is on its way from one key to another.
    package let isRotating: Bool

    package var description: String {
        isRotating
            ? """
            the master key is being rotated, and one of the two is not here, whose id is \(identifier): MASTER_KEY and \
            MASTER_KEY_PREVIOUS, or the lines of the key file, must be the new key and the one before until \
            httpsms keys rotate-master is done
            """
            : """
            the store was written with another master key: set MASTER_KEY, or restore the key file, to the one it had, whose \
            id is \(identifier)
            """
    }
}
