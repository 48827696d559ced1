import Foundation

/// What a benchmark ran on; figures without it mean nothing.
struct Machine: Sendable {
    let cpu: String
    let cores: Int
    /// In bytes.
    let memory: Int
    /// The type of the file system of the store, with its device.
    let filesystem: String
    let kernel: String
    /// Over 1, 5 and 15 minutes.
    let loadAverage: String

    #if DEBUG
        /// How this executable was compiled.
        static let build = "debug build: figures mean nothing"
    #else
        /// How this executable was compiled.
        static let build = "release"
    #endif

    /// Looks at this machine and at the file system of `folder`.
    init(folder: URL) {
        // What cannot be read is not Linux, and stays unknown.
        func read(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
        func value(_ name: String, in path: String) -> String? {
            read(path).split(separator: "\n").first { $0.hasPrefix(name) }
                .flatMap { $0.split(separator: ":", maxSplits: 1).last?.trimmingCharacters(in: .whitespaces) }
        }
        cpu = value("model name", in: "/proc/cpuinfo") ?? "unknown CPU"
        cores = ProcessInfo.processInfo.activeProcessorCount
        memory = Int(ProcessInfo.processInfo.physicalMemory)
        kernel = read("/proc/sys/kernel/osrelease").trimmingCharacters(in: .whitespacesAndNewlines)
        loadAverage = read("/proc/loadavg").split(separator: " ").prefix(3).joined(separator: " ")
        let path = folder.resolvingSymlinksInPath().path + "/"
        let mounts = read("/proc/mounts").split(separator: "\n").map { $0.split(separator: " ") }
        let mount = mounts.filter { $0.count > 2 && path.hasPrefix($0[1] == "/" ? "/" : $0[1] + "/") }
            .max { $0[1].count < $1[1].count }
        filesystem = mount.map { "\($0[2]) on \($0[0])" } ?? "unknown file system"
    }
}
