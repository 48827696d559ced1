import HTTPTypes
import Hummingbird
import NIOCore
import TestSupport
import Testing

@testable import Gateway

/// Query strings.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct QueryParametersTests {
    private static func parameters(_ query: String) -> QueryParameters {
        QueryParameters(
            Request(
                head: HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/v1/messages?\(query)"),
                body: .init(buffer: ByteBuffer())))
    }

    @Test(arguments: [
        ("a=1", "1"), ("a=1&a=2", "2"), ("b=1", nil), ("a", ""), ("a=", ""), ("a=b=c", "b=c"), ("a=x+y", "x y"),
        ("a=x%20y", "x y"), ("a=%2B1", "+1"), ("a=%C3%BC", "ü"), ("a=%zz", "%zz"), ("a=%ff", "%ff"), ("%61=1", "1"),
        ("A=1", nil), ("&&a=1&&", "1"), ("a=%26", "&"), ("", nil),
    ])
    func valuesAreDecodedOnce(query: String, value: String?) {
        #expect(Self.parameters(query)["a"] == value)
    }

    @Test(arguments: [
        ("n=%2B18005550199", "+18005550199"), ("n=+18005550199", "+18005550199"), ("n=%2018005550199", "+18005550199"),
        ("n=+18005550199%20+", "+18005550199"), ("n=18005550199", "18005550199"), ("n=++1", "+ 1"), ("n=+", ""),
        ("n=", ""), ("", ""), ("n=MTN", "MTN"),
    ])
    func aSpaceInFrontOfANumberIsAPlus(query: String, number: String) {
        #expect(Self.parameters(query).rawNumber("n") == number)
    }

    @Test(arguments: [
        ("", 0, 20), ("limit=5&skip=7", 7, 5), ("limit=0", 0, 0), ("limit=100", 0, 100), ("limit=101", 0, 100),
        ("limit=99999999999999999999", 0, 100), ("skip=99999999999999999999", Int(Int32.max), 20),
        ("limit=%203%20&skip=", 0, 3), ("limit=007", 0, 7),
    ])
    func aPageIsClampedNotRefused(query: String, skip: Int, limit: Int) {
        var errors = FieldErrors()

        let page = Page(Self.parameters(query), limit: 20, errors: &errors)

        #expect(page.skip == skip)
        #expect(page.limit == limit)
        #expect(errors.isEmpty)
    }

    @Test(arguments: [
        ("limit=-1", "limit"), ("limit=ten", "limit"), ("limit=1.0", "limit"), ("limit=+1x", "limit"),
        ("limit=%D9%A3", "limit"), ("skip=-5", "skip"), ("skip=0x1", "skip"),
    ])
    func whatIsNoNumberIsSaidToBeNone(query: String, field: String) {
        var errors = FieldErrors()

        _ = Page(Self.parameters(query), limit: 20, errors: &errors)

        #expect(errors.messages == [field: ["The \(field) field must be numeric"]])
    }
}
