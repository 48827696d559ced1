import Foundation
import TestSupport
import Testing

@testable import Storage

/// A store that is mounted as a single file is refused: see ``DatabaseFile``.
@Suite struct MountTableTests {
    private func table(_ text: String) -> MountTable { MountTable(mountinfo: Array(text.utf8)) }

    /// A line of a bind mount, as Linux writes it.
    private func line(_ root: String, at place: String) -> String {
        "402 367 8:1 \(root) \(place) rw,relatime master:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
    }

    @Test(
        arguments: [
            ("/data/x.sqlite", "/data/x.sqlite"),
            ("/my\\040data/x\\040y.sqlite", "/my data/x y.sqlite"),
            ("/tab\\011/line\\012/back\\134slash", "/tab\t/line\n/back\\slash"),
            ("/back\\134040slash", "/back\\040slash"),
            ("/not\\08/octal\\9", "/not\\08/octal\\9"),
            ("/end\\04", "/end\\04"),
            ("/caf\\303\\251", "/café"),
            ("/café", "/café"),
        ]) func aPlaceIsReadAsItIsNamed(written: String, place: String)
    {
        #expect(table(line("/srv/x.sqlite", at: written)).places == [place])
    }

    @Test func everyKindOfLineIsRead() {
        let text = """
            367 352 0:54 / / rw,relatime master:5 - overlay overlay rw,lowerdir=/a:/b,upperdir=/c,workdir=/d
            368 367 0:57 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
            371 370 0:4 mnt:[4026532201] /run/docker/netns rw - nsfs nsfs rw
            402 367 8:1 /srv/x.sqlite//deleted /data/x.sqlite rw,relatime - ext4 /dev/sda1 rw
            403 367 8:1 /srv/other\\040one /other rw,relatime shared:1 master:2 propagate_from:3 - ext4 /dev/sda1 rw
            """

        #expect(table(text).places == ["/", "/proc", "/run/docker/netns", "/data/x.sqlite", "/other"])
    }

    @Test(arguments: ["", "\n\n", "402", "402 367 8:1 /srv /data", "     "]) func whatIsNoLineIsPassedOver(text: String)
    {
        #expect(table(text).places.isEmpty)
        #expect(table(text + "\n" + line("/", at: "/data")).places == ["/data"])
    }

    @Test func bytesThatAreNoTextDoNoHarm() {
        let text = "\n" + line("/", at: "/data\\777")

        #expect(MountTable(mountinfo: [0xFF, 0x20, 0x5C] + Array(text.utf8)).places.count == 1)
    }

    #if os(Linux)
        @Test func theOwnTableHasWhatItIsReadFrom() {
            #expect(MountTable.own.places.contains("/proc"))
        }
    #endif

    @Test func aFileThatIsMountedByItselfIsNotOpened() async throws {
        try await withTemporaryDirectory { directory in
            let path = DatabaseFile.resolved(directory) + "/a store.sqlite"
            let escaped = path.replacingOccurrences(of: " ", with: "\\040")
            try FileManager.default.createSymbolicLink(atPath: directory + "/link", withDestinationPath: path)

            for name in [path, directory + "/link"] {
                let error = #expect(throws: StorageError.self) {
                    _ = try DatabaseFile(path: name, mounts: table(line("/srv/x.sqlite", at: escaped)))
                }
                #expect(error?.description.hasSuffix("Mount the folder that holds it.") == true)
            }
            // A folder that is mounted is as good as any other, and so is a neighbour.
            for place in [directory, directory + "/other.sqlite"] {
                #expect(try DatabaseFile(path: path, mounts: table(line("/srv", at: place))).path == path)
            }
        }
    }
}
