import Foundation
import TestSupport

/// A golden file of `Fixtures/events`.
struct SampleFile {
    /// Its bytes.
    let bytes: [UInt8]

    /// Reads the file of `type`.
    init(_ type: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Fixtures/events")
        bytes = Array(try Data(contentsOf: folder.appending(path: "\(type).json").standardized))
    }

    /// The file as JSON.
    var json: JSON {
        get throws { try JSONDecoder().decode(JSON.self, from: Data(bytes)) }
    }
}
