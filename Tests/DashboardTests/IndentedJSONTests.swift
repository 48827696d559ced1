import Testing

@testable import Dashboard

struct IndentedJSONTests {
    @Test(arguments: [
        ("{}", "{}"),
        (" [ ] ", "[]"),
        (#"{"a":1}"#, "{\n  \"a\": 1\n}"),
        (
            #"{"a":[1,{"b":[]}],"c":null}"#,
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": null\n}"
        ),
        (#"{"text":"a, b: {c} [\" \\"}"#, "{\n  \"text\": \"a, b: {c} [\\\" \\\\\"\n}"),
        ("{\n\t\"a\" :\r\n1 , \"ü😀\":2}", "{\n  \"a\": 1,\n  \"ü😀\": 2\n}"),
    ]) func onlyTheWhiteSpaceBetweenTokensIsChanged(json: String, indented: String) {
        #expect(IndentedJSON.text(Array(json.utf8)) == indented)
    }

    @Test(arguments: ["", "  ", "1", "text=a&b=c", "<xml/>", "{", "[1,2", "}", "{}}", #"{"a"#, #"{"a\""#])
    func whatIsNotJSONStaysAsItIs(
        text: String
    ) {
        #expect(IndentedJSON.text(Array(text.utf8)) == nil)
    }

    @Test func whatIsNestedTooDeepStaysAsItIs() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(String(repeating: "[", count: depth).utf8) + Array(String(repeating: "]", count: depth).utf8)
        }

        #expect(IndentedJSON.text(nested(16)) != nil)
        #expect(IndentedJSON.text(nested(17)) == nil && IndentedJSON.text(nested(1_000_000)) == nil)
    }
}
