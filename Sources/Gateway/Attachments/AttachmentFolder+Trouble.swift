import Foundation
import Storage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension AttachmentFolder {
    /// Less room than this is too little: what two MMS may bring.
    private static let floorBytes = Int64(AttachmentRules.maximumTotalBytes) * 2

    /// Where it is.
    var name: String { folder.path }

    /// Bytes that are free where it is, or where it will be; nil when the system does not say.
    package var freeBytes: Int64? {
        guard case .success(let place) = nearest else { return nil }
        return FreeSpace.bytes(in: place)
    }

    /// Why it takes no files, in words; nil when it does. Waits for the disk.
    ///
    /// Something is written only when the last write failed, as large as the files of an MMS may be.
    ///
    /// - Parameter tries: Whether something small is written all the same, where the folder is there.
    /// - Returns: The reason, and what to do.
    package func trouble(tries: Bool = false) -> String? {
        let found: String
        if storeID != nil {
            do { try checkIsThere() } catch { return told(error) }
        }
        switch nearest {
        case .failure(let failure): return told(failure)
        case .success(let place): found = place
        }
        if access(found, W_OK | X_OK) != 0 { return told(SystemFailure(code: errno)) }
        if let free = FreeSpace.bytes(in: found), free < Self.floorBytes {
            return """
                Only \(free / 1_024) KiB are free in \(found), and files of received MMS need \(Self.floorBytes / 1_024). \
                Free space there; nothing has to be restarted.
                """
        }
        if health.lastFailure != nil { return trial(byteCount: AttachmentRules.maximumTotalBytes) }
        return tries && found == name ? trial(byteCount: 4_096) : nil
    }

    /// The folder, or the nearest one above that is there, as a server makes it when it starts.
    private var nearest: Result<String, SystemFailure> {
        var url = folder
        while true {
            let descriptor = open(url.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if descriptor >= 0 {
                close(descriptor)
                return .success(url.path)
            }
            let code = errno
            let above = url.deletingLastPathComponent()
            guard code == ENOENT, above.path.utf8.count < url.path.utf8.count else {
                return .failure(SystemFailure(code: code))
            }
            url = above
        }
    }

    private func trial(byteCount: Int) -> String? {
        let number = String(UInt64.random(in: .min ... .max), radix: 16)
        let file = folder.appending(path: ".trial-\(number)")
        // One that stays behind is in no part of the folder, where files are looked for.
        defer { try? FileManager.default.removeItem(at: file) }
        do {
            let bytes = [UInt8](repeating: 0, count: byteCount)
            let code = bytes.withUnsafeBytes { DurableFile.create(file.path, holding: $0) }
            if let code { throw SystemFailure(code: code) }
            health.succeeded()
            return nil
        } catch {
            return told(error)
        }
    }

    private func told(_ error: any Error) -> String { unwritable(error).description }
}
