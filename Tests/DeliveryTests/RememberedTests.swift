import Testing

@testable import Delivery

/// What need not be made twice.
struct RememberedTests {
    @Test func aValueIsMadeOnceAndAFaultIsNotKept() throws {
        let urls = Remembered<String, CallbackURL>(limit: 4)
        var made = 0
        func url(_ text: String) throws -> CallbackURL {
            try urls.value(of: text) {
                made += 1
                return try CallbackURL(text)
            }
        }
        for text in ["https://Example.com/a", "http://0x7f.1:8080", "https://Example.com/a"] {
            #expect(try url(text) == CallbackURL(text))
        }
        #expect(made == 2 && urls.count == 2)
        #expect(throws: CallbackURLError.userInfo) { try url("https://a@b/") }
        #expect(throws: CallbackURLError.userInfo) { try url("https://a@b/") }
        #expect(made == 4 && urls.count == 2)
    }

    @Test func whatIsAskedForAgainOutlivesAFloodOfWhatIsAskedForOnce() {
        let numbers = Remembered<Int, Int>(limit: 64)
        var made = 0
        func double(_ number: Int) -> Int {
            numbers.value(of: number) {
                made += number < 0 ? 1 : 0
                return number * 2
            }
        }
        for number in 0..<3_000 {
            #expect(double(number) == number * 2)
            if number % 16 == 0 { #expect(double(-1) == -2) }
            #expect(numbers.count <= 64)
        }
        #expect(made == 1)
    }

    @Test func theSmallestHoldsTwo() {
        let numbers = Remembered<Int, Int>(limit: 0)
        for number in 0..<10 { #expect(numbers.value(of: number) { number } == number) }
        #expect(numbers.count <= 2)
    }
}
