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
}
