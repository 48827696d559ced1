import Delivery
import Logging
import NIOCore
import Timestamps

/// Takes no connection while ``OpenFiles`` are short; those that come wait in the kernel's queue.
///
/// The bound on connections keeps a server from getting here, unless `MAX_CONNECTIONS` promises more than the limit of open files
/// allows.
final class AcceptGuard: ChannelOutboundHandler {
    typealias OutboundIn = Never

    /// Nothing tells when a file of the process is closed.
    private static let patience: TimeAmount = .milliseconds(50)

    private let report = Occasionally(every: .seconds(60), clock: SystemClock())
    private let logger: Logger
    private var isWaiting = false

    private init(logger: Logger) {
        self.logger = logger
    }

    /// Guards the channel on which a server listens; one that is closed already needs no guard.
    static func watch(_ channel: any Channel, logger: Logger) async {
        let added = channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandler(AcceptGuard(logger: logger), position: .first)
        }
        try? await added.get()
    }

    func read(context: ChannelHandlerContext) {
        if isWaiting { return }
        guard OpenFiles.areShort else { return context.read() }
        isWaiting = true
        if report.isDue() {
            logger.error("connections wait: too few files are left; raise their limit, or lower MAX_CONNECTIONS")
        }
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { [self] in
            isWaiting = false
            read(context: context)
        }
    }
}
