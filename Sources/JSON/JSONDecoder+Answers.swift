#if canImport(Darwin)
    import Foundation
#else
    import FoundationEssentials
#endif

extension JSONDecoder {
    /// Reads the JSON of another program, such as a server's answer or an event that a webhook brought. A decoder compares the names
    /// of members, so runs of marks in them are broken first: see ``StreamSafeText``.
    ///
    /// - Throws: ``JSONBody/Fault`` and what `decode` throws, when it is not what `type` says.
    package func decode<Value: Decodable>(_ type: Value.Type, fromAnswer json: [UInt8]) throws -> Value {
        try decode(type, from: Data(try JSONBody(json, isBounded: false).bytes))
    }
}
