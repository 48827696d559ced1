import NIOCore

/// Tells when the client of a connection goes away while its request is worked on.
///
/// A client that only closes its own half, and still waits for an answer, also counts as gone: over HTTP nobody does that
/// who uploads files.
enum ClientDeparture {
    /// Runs `body`, and calls `onDeparture` once, on the connection's event loop, when the client goes meanwhile.
    static func watch<Value>(
        _ channel: any Channel, onDeparture: @escaping @Sendable () -> Void, _ body: () async throws -> Value
    ) async throws -> Value {
        let name = "departure-\(UInt64.random(in: 0...UInt64.max))"
        let added = channel.eventLoop.submit {
            // On a connection that is closed already, there is no pipeline to watch.
            guard channel.isActive else { return onDeparture() }
            try channel.pipeline.syncOperations.addHandler(Handler(onDeparture), name: name, position: .first)
        }
        try await added.get()
        let result: Result<Value, any Error>
        do {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        // Of a connection that was closed, the handler is gone already.
        try? await channel.pipeline.removeHandler(name: name).get()
        return try result.get()
    }

    private final class Handler: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = NIOAny

        private let onDeparture: @Sendable () -> Void

        init(_ onDeparture: @escaping @Sendable () -> Void) {
            self.onDeparture = onDeparture
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event as? ChannelEvent == .inputClosed { onDeparture() }
            context.fireUserInboundEventTriggered(event)
        }

        func channelInactive(context: ChannelHandlerContext) {
            onDeparture()
            context.fireChannelInactive()
        }
    }
}
