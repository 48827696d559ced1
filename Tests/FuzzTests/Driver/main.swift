import Foundation

/// Runs libFuzzer on one target: `fuzz-parsers NAME [libFuzzer's arguments]`; without a name it lists the targets.
///
/// `Scripts/fuzz-parsers` builds the arguments. Only built with HTTPSMS_FUZZ=1, and linked with libFuzzer of the toolchain.
guard CommandLine.arguments.count > 1, let target = FuzzTarget.all.first(where: { $0.name == CommandLine.arguments[1] })
else {
    for target in FuzzTarget.all { print(target.name) }
    exit(CommandLine.arguments.count > 1 ? 2 : 0)
}

/// The target that runs; libFuzzer's callback is a C function, which captures nothing.
enum Chosen {
    nonisolated(unsafe) static var target: FuzzTarget?

    static func run(_ bytes: [UInt8]) {
        switch target?.body {
        case .plain(let body): report { try body(bytes) }
        case .waiting(let body):
            let isDone = DispatchSemaphore(value: 0)
            Task {
                do { try await body(bytes) } catch { fail(error) }
                isDone.signal()
            }
            isDone.wait()
        case nil: break
        }
    }

    private static func report(_ body: () throws -> Void) {
        do { try body() } catch { fail(error) }
    }

    private static func fail(_ error: any Error) -> Never {
        try? FileHandle.standardError.write(contentsOf: Data("Broken: \(error)\n".utf8))
        abort()
    }
}

@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

Chosen.target = target
var arguments = [CommandLine.arguments[0], "-max_len=\(target.maximumLength)"] + CommandLine.arguments.dropFirst(2)
if !target.words.isEmpty {
    let dictionary = FileManager.default.temporaryDirectory.appending(path: "fuzz-words-\(getpid())")
    let lines = target.words.map { word in
        "\"" + word.utf8.map { String(format: "\\x%02x", $0) }.joined() + "\""
    }
    try Data(lines.joined(separator: "\n").utf8).write(to: dictionary)
    arguments.append("-dict=\(dictionary.path)")
}
var count = CInt(arguments.count)
var pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = .allocate(capacity: arguments.count + 1)
for (index, argument) in arguments.enumerated() { pointers?[index] = strdup(argument) }
pointers?[arguments.count] = nil
exit(
    runDriver(&count, &pointers) { data, size in
        Chosen.run(Array(UnsafeBufferPointer(start: data, count: size)))
        return 0
    })
