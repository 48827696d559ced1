import Foundation
import Testing

@testable import Dashboard

/// The templates that are files are those that pages can name.
struct PageTemplateTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/Dashboard/Pages")

    @Test func eachFileIsATemplateOfThatName() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
            .filter { $0.hasSuffix(".mustache") }.map { String($0.dropLast(".mustache".count)) }

        #expect(Set(files) == Set(PageTemplate.allCases.map(\.rawValue)))
        for template in PageTemplate.allCases {
            let file = Self.folder.appending(path: "\(template.rawValue).mustache")
            #expect(try Data(contentsOf: file) == Data(template.source), "\(template)")
        }
    }

    @Test(arguments: PageTemplate.allCases)
    func theTemplatesThatOneNamesAreThere(template: PageTemplate) {
        let text = String(decoding: template.source, as: UTF8.self)
        for part in text.matches(of: /\{\{>\s*([^\s}]+)\s*\}\}/) {
            #expect(PageTemplate(rawValue: String(part.output.1)) != nil, "\(part.output.0)")
        }
    }

    /// A member that is absent is looked for further out, where another thing may have its name.
    @Test(arguments: PageTemplate.allCases)
    func noSectionFindsAnotherOfItsNameFurtherOut(template: PageTemplate) {
        let tags = Self.tags(of: template, within: [])
        for tag in tags where tag.isSection && !Self.neverAbsent.contains("\(template.rawValue) \(tag.name)") {
            let isShadowing = tags.contains { other in
                other.name == tag.name && other.scope.count < tag.scope.count && tag.scope.starts(with: other.scope)
            }
            #expect(!isShadowing, "\(tag.name) in \(tag.scope)")
        }
    }

    /// Words of the API, and of nobody who keeps a shop. Code may have them.
    @Test(arguments: PageTemplate.allCases)
    func noPageSpeaksAsTheAPI(template: PageTemplate) {
        let text = String(decoding: template.source, as: UTF8.self)
            .replacing(/<(code|pre)[^>]*>.*?<\/(code|pre)>/.dotMatchesNewlines(), with: "")
            .replacing(/<[^>]*>/, with: " ").replacing(/\{\{[^}]*\}\}/, with: "").lowercased()
        let words = [
            "request id", "e.164", "iana", "rfc", "thread", "endpoint", "boolean", "unmatched", "pruned", "idempotency",
            "taken for dead",
            "stands at", "in vain", "anew",
        ]
        for word in words { #expect(!text.contains(word), "\(word)") }
    }

    private struct Tag {
        let name: String
        let isSection: Bool
        /// The sections around it, without those that are for what is absent and those of its own name.
        let scope: [String]
    }

    /// Sections of a name that is also further out, but whose own member is there always, or is the one further out.
    private static let neverAbsent: Set<String> = [
        "bulk-batch isOneWaiting", "bulk-batch start", "bulk-columns fields", "bulk-columns file", "connect isSignedIn",
        "forwarders numbers", "message message",
        "message whyNot", "messages filter", "phone checks", "phone device", "phone-new problems", "schedule-form days",
        "team roles", "webhook filter", "webhook-form events",
    ]

    private static func tags(of template: PageTemplate, within outer: [String]) -> [Tag] {
        var sections = outer
        var tags: [Tag] = []
        let text = String(decoding: template.source, as: UTF8.self)
        for match in text.matches(of: /\{\{\{?([#^\/>]?)\s*([^\s{}]+)\s*\}?\}\}/) {
            let (sign, name) = (String(match.output.1), String(match.output.2))
            if sign == "/" {
                _ = sections.popLast()
            } else if sign == ">" {
                tags += PageTemplate(rawValue: name).map { Self.tags(of: $0, within: sections) } ?? []
            } else {
                let scope = sections.filter { !$0.hasPrefix("^") && $0 != name }
                tags.append(Tag(name: name, isSection: !sign.isEmpty, scope: scope))
                if !sign.isEmpty { sections.append(sign == "^" ? "^\(name)" : name) }
            }
        }
        return tags
    }
}
