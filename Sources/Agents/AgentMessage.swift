import Foundation
import JSON
import Wire

/// What an agent's program says: a request or a notification of JSON-RPC 2.0, as the Model Context Protocol uses it.
package struct AgentMessage: Sendable {
    /// The JSON of a request's id, as it came; nil for a notification, which is not answered.
    package let id: [UInt8]?
    /// What it is about.
    package let method: String
    /// The members of `params`.
    package let parameters: AgentArguments

    /// Why it is no message, or cannot be answered with a result.
    package struct Fault: Error, Equatable {
        /// Those of JSON-RPC 2.0, section 5.1.
        package enum Code: Int, Sendable {
            case malformed = -32_700
            case invalidRequest = -32_600
            case unknownMethod = -32_601
            case invalidParameters = -32_602
            case internalError = -32_603
            /// Ours: too much at once.
            case busy = -32_000
        }

        /// What sort of fault it is.
        package let code: Code
        /// What is wrong, in words.
        package let message: String
        /// The JSON of the id of the request; nil when it could not be read.
        package let id: [UInt8]?

        /// Says what is wrong with the request that has this id; nil for none.
        package init(code: Code, message: String, id: [UInt8]? = nil) {
            self.code = code
            self.message = message
            self.id = id
        }
    }

    /// 256 bytes: what is longer is no id that anybody counts or draws.
    private static let longestID = 256

    /// Reads a message; nil for an answer, as nothing is asked of the agent's program. Depth, number of values and runs of marks
    /// are bounded first, as in the body of any request: see `JSONBody`.
    ///
    /// - Throws: ``Fault`` when it is none.
    package static func read(_ message: [UInt8]) throws(Fault) -> AgentMessage? {
        let json: [UInt8]
        do throws(JSONBody.Fault) {
            json = try JSONBody(message).bytes
        } catch {
            throw Fault(code: .malformed, message: "The message cannot be read: \(error.reason).")
        }
        let members: AgentArguments
        do {
            members = try AgentArguments(json: json)
        } catch JSONFault.notAnObject {
            throw Fault(code: .invalidRequest, message: "A message must be one JSON object; batches are not taken.")
        } catch {
            throw Fault(code: .malformed, message: "The message is not JSON: \(error)")
        }
        let id = members["id"]
        if json != message, isIDChanged(from: message, to: json) {
            // An answer to another id would be one to nobody.
            throw Fault(code: .invalidRequest, message: "The id must be a text that can be stored, without NUL.")
        }
        if let id, !isID(id) {
            throw Fault(code: .invalidRequest, message: "The id must be a text or a whole number of at most 256 bytes.")
        }
        guard let method = members.string("method") else {
            if members["method"] == nil, members["result"] != nil || members["error"] != nil { return nil }
            throw Fault(code: .invalidRequest, message: "The member method must be a text.", id: id)
        }
        guard members.string("jsonrpc") == "2.0" else {
            throw Fault(code: .invalidRequest, message: "The member jsonrpc must be \"2.0\".", id: id)
        }
        var parameters = AgentArguments.none
        if let json = members["params"] {
            // Methods go by names, which only an object has.
            guard let read = try? AgentArguments(json: json) else {
                throw Fault(code: .invalidParameters, message: "The member params must be an object.", id: id)
            }
            parameters = read
        }
        return AgentMessage(id: id, method: method, parameters: parameters)
    }

    /// Whether a member `id` of a message is not what it was: it held NUL, half a surrogate pair, or a long run of marks.
    private static func isIDChanged(from message: [UInt8], to json: [UInt8]) -> Bool {
        // The second was read before, and the first differs within strings only.
        guard let before = try? JSONScanner.members(of: message), let after = try? JSONScanner.members(of: json) else {
            return true
        }
        return zip(before, after).contains { old, new in
            old.value != new.value && AgentArguments.text(Array(new.name)) == "id"
        }
    }

    private static func isID(_ json: [UInt8]) -> Bool {
        guard json.count <= longestID, let first = json.first else { return false }
        if first == UInt8(ascii: "\"") { return true }
        return json.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-") }
    }
}

/// The members of an object, each read when it is asked for.
package struct AgentArguments: Sendable {
    static let none = AgentArguments(members: [:])

    private let members: [String: [UInt8]]

    private init(members: [String: [UInt8]]) {
        self.members = members
    }

    /// Reads an object; of two members with one name the last counts.
    package init(json: [UInt8]) throws(JSONFault) {
        var members: [String: [UInt8]] = [:]
        for (name, value) in try JSONScanner.members(of: json) {
            guard let name = Self.text(Array(name)) else { continue }
            members[name] = Array(value)
        }
        self.members = members
    }

    /// In alphabetical order.
    package var names: [String] { members.keys.sorted() }

    /// The JSON of a member; nil when it is missing or null.
    package subscript(_ name: String) -> [UInt8]? {
        members[name].flatMap { $0 == Array("null".utf8) ? nil : $0 }
    }

    /// A text; nil when it is missing or none.
    package func string(_ name: String) -> String? { self[name].flatMap(Self.text) }

    /// The text `name`, without spaces around it; nil when it is missing or empty.
    ///
    /// - Throws: ``AgentFault`` when it is no text.
    package func text(_ name: String) throws(AgentFault) -> String? {
        guard let json = self[name] else { return nil }
        guard let text = Self.text(json) else { throw AgentFault("The argument \(name) must be a text.") }
        let trimmed = text.trimmed
        return trimmed.isEmpty ? nil : trimmed
    }

    /// The same for an argument that there must be.
    func requiredText(_ name: String) throws(AgentFault) -> String {
        guard let text = try text(name) else { throw AgentFault("The argument \(name) is required.") }
        return text
    }

    /// A text, or a list of texts; empty when it is missing.
    ///
    /// - Throws: ``AgentFault`` when it is neither.
    package func texts(_ name: String) throws(AgentFault) -> [String] {
        guard let json = self[name] else { return [] }
        if let text = Self.text(json) { return [text] }
        guard let elements = try? JSONScanner.elements(of: json) else {  // Anything but a list is refused below.
            throw AgentFault("The argument \(name) must be a text or a list of texts.")
        }
        let texts = elements.compactMap { Self.text(Array($0)) }
        guard texts.count == elements.count else {
            throw AgentFault("The argument \(name) must be a text or a list of texts.")
        }
        return texts
    }

    /// A whole number; nil when it is missing.
    ///
    /// - Throws: ``AgentFault`` when it is none, or out of `range`.
    package func integer(_ name: String, in range: ClosedRange<Int>) throws(AgentFault) -> Int? {
        guard let json = self[name] else { return nil }
        guard let number = Int(String(decoding: json, as: UTF8.self)), range.contains(number) else {
            throw AgentFault(
                "The argument \(name) must be a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    fileprivate static func text(_ json: [UInt8]) -> String? {
        guard json.first == UInt8(ascii: "\"") else { return nil }
        return try? JSONDecoder().decode(String.self, from: Data(json))  // A lone surrogate is no text.
    }
}
