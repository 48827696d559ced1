import Foundation
import JSON

/// What a success of the API says.
package struct SuccessEnvelope: Sendable {
    /// `data`, as it came; empty when there is none.
    package let data: [UInt8]
    /// `message`.
    package let message: String
    /// Where a list goes on; nil at its end, and for what is no list.
    package let nextCursor: String?

    /// Reads the body of a success. A server that answers 204 says nothing, and one that is none of ours may answer otherwise.
    package init(_ body: [UInt8]) {
        struct Rest: Decodable {
            let message: String?
            let nextCursor: String?
        }
        let members = body.isEmpty ? [] : (try? JSONScanner.members(of: body)) ?? []
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let rest = try? decoder.decode(Rest.self, fromAnswer: body)
        data = Array(members.first { $0.name.elementsEqual(#""data""#.utf8) }?.value ?? [])
        message = rest?.message ?? "done"
        nextCursor = rest?.nextCursor
    }
}

/// What an error of the API says.
package struct ErrorEnvelope: Sendable {
    /// `message`.
    package let message: String
    /// The texts of `data`, with the names of their fields before them, in the order of these.
    package let details: [String]

    /// Reads the body of an error; nil for what is none of ours, such as a proxy's page.
    package init?(_ body: [UInt8]) {
        guard let read = try? JSONDecoder().decode(Members.self, fromAnswer: body), let message = read.message else {
            return nil
        }
        self.message = message
        details =
            switch read.data {
            case .fields(let fields):
                fields.sorted { $0.key < $1.key }.flatMap { name, texts in texts.map { "\(name): \($0)" } }
            case .text(let text): [text]
            case .other, nil: []
            }
    }

    private struct Members: Decodable {
        let message: String?
        let data: Details?
    }

    /// Texts by field, or one text.
    private enum Details: Decodable {
        case fields([String: [String]])
        case text(String)
        case other

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let fields = try? container.decode([String: [String]].self) {
                self = .fields(fields)
            } else if let text = try? container.decode(String.self) {
                self = .text(text)
            } else {
                self = .other
            }
        }
    }
}
