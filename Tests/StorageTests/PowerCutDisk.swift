import CPowerCut
import Foundation
import Synchronization
import TestSupport

/// A folder whose power is cut at moments that a seed draws: see `power_cut.h`.
final class PowerCutDisk: Sendable {
    /// What the disk does when it is asked to make writes durable.
    enum Manner: Sendable {
        case honest, liesAboutLogs, liesAboutDatabases
    }

    /// What a power cut left.
    struct Image: Sendable {
        /// Where the files are.
        let folder: String
        /// What had been answered by then.
        let answered: Set<Int>
    }

    private let cuts: Cuts
    /// The address of the `power_cut_disk`, which has a lock of its own.
    private let disk: Int

    /// Watches `folder` and puts at most `limit` images, one each `every` writes or so, into folders of `destination`.
    init(folder: String, images destination: String, limit: Int, every: Int, seed: UInt64, _ manner: Manner) {
        cuts = Cuts(destination: destination, limit: limit, every: every, seed: seed)
        let manner =
            switch manner {
            case .honest: POWER_CUT_HONEST
            case .liesAboutLogs: POWER_CUT_LIES_ABOUT_LOGS
            case .liesAboutDatabases: POWER_CUT_LIES_ABOUT_DATABASES
            }
        let watched = power_cut_watch(
            folder, manner,
            { context, disk, number in
                guard let context else { return }
                Unmanaged<Cuts>.fromOpaque(context).takeUnretainedValue().written(number, on: disk)
            }, Unmanaged.passUnretained(cuts).toOpaque())
        disk = Int(bitPattern: watched)
    }

    /// Notes that the write of `item` was answered: every later cut has to leave it.
    func answered(_ item: Int) { cuts.answered(item) }

    /// What the cuts left, once the files are closed; nothing when an image could not be written.
    func close() -> [Image] {
        power_cut_forget(OpaquePointer(bitPattern: disk))
        return cuts.images
    }

    /// The cuts that were made.
    private final class Cuts: Sendable {
        private struct State {
            var random: SeededGenerator
            var next: Int
            var answered: Set<Int> = []
            var images: [Image] = []
            var hasFailed = false
        }

        private let destination: String
        private let limit: Int
        private let every: Int
        private let state: Mutex<State>

        init(destination: String, limit: Int, every: Int, seed: UInt64) {
            self.destination = destination
            self.limit = limit
            self.every = every
            var random = SeededGenerator(seed: seed)
            let next = Int.random(in: 1...every, using: &random)
            state = Mutex(State(random: random, next: next))
        }

        var images: [Image] { state.withLock { $0.hasFailed ? [] : $0.images } }

        func answered(_ item: Int) { state.withLock { _ = $0.answered.insert(item) } }

        /// On SQLite's thread, while the disk stands still.
        func written(_ number: Int, on disk: OpaquePointer?) {
            state.withLock { state in
                guard number >= state.next, state.images.count < limit else { return }
                state.next = number + Int.random(in: 1...every, using: &state.random)
                let folder = "\(destination)/\(state.images.count)"
                let seed = UInt64.random(in: .min ... .max, using: &state.random)
                let isWritten = mkdir(folder, 0o700) == 0 && power_cut_image(disk, seed, folder) == 0
                state.hasFailed = state.hasFailed || !isWritten
                state.images.append(Image(folder: folder, answered: state.answered))
            }
        }
    }
}
