import Crypto

/// SHA-256 of texts, in the two forms that the server stores.
package enum SHA256Digest {
    /// The first 16 bytes of the digest of `text`, as two big-endian words.
    package static func of(_ text: String) -> (first: UInt64, second: UInt64) {
        var words: (UInt64, UInt64) = (0, 0)
        for (index, byte) in SHA256.hash(data: Array(text.utf8)).prefix(16).enumerated() {
            if index < 8 { words.0 = words.0 << 8 | UInt64(byte) } else { words.1 = words.1 << 8 | UInt64(byte) }
        }
        return words
    }

    /// The digest of `text` as 32 bytes: how keys are looked up without being stored.
    package static func bytes(_ text: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(text.utf8)))
    }

    /// The digest of `bytes`, 32 bytes.
    package static func bytes(of bytes: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: bytes))
    }

    /// The digest of `parts`, each with its length before it, so that no two lists give the same bytes.
    package static func bytes(parts: [String]) -> [UInt8] {
        var hash = SHA256()
        for part in parts {
            let bytes = Array(part.utf8)
            hash.update(data: withUnsafeBytes(of: UInt64(bytes.count).bigEndian, Array.init))
            hash.update(data: bytes)
        }
        return Array(hash.finalize())
    }
}
