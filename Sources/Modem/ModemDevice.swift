import Foundation

/// What the server knows the modem as.
package struct ModemDevice: Codable, Sendable {
    /// Ends in `/api/mobile/v1`.
    let url: String
    let id: String
    let token: String
    /// By which a lost token is replaced; nil after pairing by code.
    let privateToken: String?

    private static func path(_ folder: ModemFolder) -> String { folder.path + "/device.json" }

    /// The modem of a folder; nil before it is paired.
    ///
    /// - Throws: When the file is damaged.
    package static func read(_ folder: ModemFolder) throws -> ModemDevice? {
        guard let data = FileManager.default.contents(atPath: path(folder)) else { return nil }
        return try JSONDecoder().decode(ModemDevice.self, from: data)
    }

    /// Stores it where only the owner of the folder reads it.
    ///
    /// - Throws: When the folder cannot be written.
    package func write(_ folder: ModemFolder) throws {
        try ModemFolder.write(Array(JSONEncoder().encode(self)), to: Self.path(folder))
    }
}
