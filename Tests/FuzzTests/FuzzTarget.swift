/// A parser of what comes from outside, as a function over bytes that finds fault with it.
///
/// `CorpusTests` runs it over the files of `Tests/Corpus/<name>`; with HTTPSMS_FUZZ=1 the same files are where a
/// coverage-guided fuzzer begins. A trap is a fault by itself; what else must hold, `body` checks with ``hold(_:_:)``.
struct FuzzTarget: Sendable {
    /// What runs over the bytes.
    enum Body: Sendable {
        case plain(@Sendable ([UInt8]) throws -> Void)
        case waiting(@Sendable ([UInt8]) async throws -> Void)
    }

    /// Also the name of its folder in the corpus.
    let name: String
    /// The longest input that the fuzzer makes, in bytes: enough for the structure, short enough for thousands a second.
    let maximumLength: Int
    /// What the format is made of; the fuzzer puts it into its inputs.
    let words: [String]
    let body: Body

    init(
        _ name: String, upTo maximumLength: Int = 4_096, words: [String] = [],
        _ body: @escaping @Sendable ([UInt8]) throws -> Void
    ) {
        self.init(name: name, maximumLength: maximumLength, words: words, body: .plain(body))
    }

    init(
        waiting name: String, upTo maximumLength: Int = 4_096, words: [String] = [],
        _ body: @escaping @Sendable ([UInt8]) async throws -> Void
    ) {
        self.init(name: name, maximumLength: maximumLength, words: words, body: .waiting(body))
    }

    private init(name: String, maximumLength: Int, words: [String], body: Body) {
        self.name = name
        self.maximumLength = maximumLength
        self.words = words
        self.body = body
    }

    /// Runs it once.
    ///
    /// - Throws: ``Violation``.
    func run(_ bytes: [UInt8]) async throws {
        switch body {
        case .plain(let body): try body(bytes)
        case .waiting(let body): try await body(bytes)
        }
    }

    /// All of them, in the order in which they are fuzzed.
    static let all: [FuzzTarget] =
        forms + sheets + contacts + json + times + addresses + http + events + texts + forwarders + modem + webhooks
        + imports
}

/// A parser broke a promise.
struct Violation: Error, CustomStringConvertible {
    let description: String
}

/// Asks for a promise of a parser.
///
/// - Throws: ``Violation`` when it is broken.
func hold(_ isKept: Bool, _ promise: @autoclosure () -> String) throws {
    if !isKept { throw Violation(description: promise()) }
}

extension [UInt8] {
    /// As text; what is not UTF-8 is repaired, as it is wherever the server takes text.
    var text: String { String(decoding: self, as: UTF8.self) }

    /// The first line, and what follows it; all of it when there is no line break.
    var firstLine: (line: [UInt8], rest: [UInt8]) {
        guard let end = firstIndex(of: 0x0A) else { return (self, []) }
        return (Array(self[..<end]), Array(self[(end + 1)...]))
    }

    /// The bytes in pieces, whose lengths repeat those of `lengths`.
    func pieces(_ lengths: [Int]) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var rest = self[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Swift.max(lengths[pieces.count % lengths.count], 1))
            pieces.append(piece)
            rest = rest[piece.endIndex...]
        }
        return pieces
    }
}
