import Foundation
import Glibc
import Timestamps

/// The folder that the agent shares with gammu-smsd. A file is in one of its parts at a time: it moves by renaming.
///
/// | part | holds | who puts in | who takes out |
/// |---|---|---|---|
/// | messages | what is known of each message | agent | agent |
/// | outbox | at most one SMS of ours | agent | gammu-smsd |
/// | sent, error | what became of it | gammu-smsd | agent |
/// | unsure | what gammu-smsd may have sent when it ended | `httpsms modem prepare` | agent |
/// | withdrawn | what gammu-smsd did not take in time | agent | agent |
/// | inbox | SMS and delivery reports | gammu-smsd | agent |
/// | calls | missed calls | `httpsms modem call` | agent |
/// | unreadable | what the agent could not read, for people | agent | nobody |
package struct ModemFolder: Sendable {
    /// Absolute, without a slash at the end.
    package let path: String

    /// The subfolders.
    enum Part: String, CaseIterable, Sendable {
        case messages, outbox, sent, error, unsure, withdrawn, inbox, calls, unreadable
    }

    /// Where the packages' units have it.
    package static let usual = "/var/lib/httpsms-modem"

    /// Names a folder.
    package init(_ path: String) {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// The log of gammu-smsd, by which the agent knows what was begun.
    var log: String { path + "/smsd.log" }

    func path(_ part: Part, _ name: String = "") -> String { "\(path)/\(part.rawValue)/\(name)" }

    /// Makes what is missing.
    ///
    /// - Throws: When a part cannot be made.
    package func make() throws {
        for part in Part.allCases {
            try FileManager.default.createDirectory(
                atPath: path(part), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
    }

    /// Makes this process the only agent of the folder, until it ends: two would hand over the same SMS twice.
    ///
    /// - Throws: When another agent runs on it.
    func lock() throws {
        let file = open(path + "/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Fault(path, errno) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(file)
            throw Fault("\(path) is used by another `httpsms modem run`", code)
        }
    }

    /// The files of a part in the order of their names; those that are being written are hidden.
    func names(in part: Part) -> [String] {
        // A part that cannot be listed now is empty for now.
        let all = (try? FileManager.default.contentsOfDirectory(atPath: path(part))) ?? []
        return all.filter { !$0.hasPrefix(".") }.sorted()
    }

    func has(_ name: String, in part: Part) -> Bool { access(path(part, name), F_OK) == 0 }

    /// The bytes of a file; nil when it is not there, cannot be read, or has more than 1 MiB.
    func read(_ name: String, in part: Part) -> [UInt8]? {
        guard let size = stamp(of: name, in: part)?.size, size <= Self.largest else { return nil }
        return FileManager.default.contents(atPath: path(part, name)).map(Array.init)
    }

    private static let largest = 1 << 20

    /// What tells one state of a file from another.
    struct Stamp: Hashable, Sendable {
        let size: Int
        let changedAt: Timestamp
    }

    func stamp(of name: String, in part: Part) -> Stamp? {
        var status = stat()
        guard stat(path(part, name), &status) == 0 else { return nil }
        let time = Timestamp(seconds: Int64(status.st_mtim.tv_sec)) + .nanoseconds(Int64(status.st_mtim.tv_nsec))
        return Stamp(size: Int(status.st_size), changedAt: time)
    }

    /// Puts a file in place at once, so that a crash leaves the old one or the new one.
    ///
    /// - Throws: When the disk is full, or the folder is not ours.
    func write(_ bytes: [UInt8], as name: String, in part: Part) throws {
        try Self.write(bytes, to: path(part, name))
    }

    /// As ``write(_:as:in:)``, for any path; only its owner can read the file.
    static func write(_ bytes: [UInt8], to path: String) throws {
        let url = URL(filePath: path)
        let folder = url.deletingLastPathComponent().path
        let temporary = "\(folder)/.\(url.lastPathComponent)"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Fault(path, errno) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                close(file)
                throw Fault(path, code)
            }
            rest = rest.dropFirst(count)
        }
        let isSynced = fsync(file) == 0
        let code = errno
        close(file)
        guard isSynced else { throw Fault(path, code) }
        guard rename(temporary, path) == 0 else { throw Fault(path, errno) }
        try sync(folder)
    }

    /// Moves a file; false when it was not there any more.
    func move(_ name: String, from source: Part, to target: Part) throws -> Bool {
        guard rename(path(source, name), path(target, name)) == 0 else {
            if errno == ENOENT { return false }
            throw Fault(path(source, name), errno)
        }
        try Self.sync(path(target))
        try Self.sync(path(source))
        return true
    }

    /// Deletes a file, if it is there.
    func remove(_ name: String, from part: Part) throws {
        guard unlink(path(part, name)) == 0 || errno == ENOENT else { throw Fault(path(part, name), errno) }
    }

    /// A rename is on the disk once its folder is.
    private static func sync(_ folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Fault(folder, errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Fault(folder, errno) }
    }

    /// A file that cannot be used.
    struct Fault: Error, CustomStringConvertible {
        let description: String

        init(_ path: String, _ code: Int32) {
            description = "\(path): \(String(cString: strerror(code)))"
        }
    }
}
