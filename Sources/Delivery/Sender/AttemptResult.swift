/// What became of one attempt.
package struct AttemptResult: Sendable {
    /// A status code, or why there is none.
    package var outcome: AttemptOutcome

    /// Where the time went.
    package var phases: AttemptPhases

    /// The time from the call to the end of the attempt.
    package var duration: Duration

    /// The header fields of the final response, in order; empty without a response.
    package var responseHeaders: [(name: String, value: String)]

    /// The first ``SenderLimits/keptBodyBytes`` bytes of the response's body as they came, not decompressed.
    package var responseBody: [UInt8]

    /// The address that was connected to; nil when none was.
    package var address: IPAddress?

    /// Whether the receiver may have read the request, or a part of it: it was handed to the socket.
    package var isWritten = false

    /// The service that was asked, when its answers mean something of their own.
    package var receiver: KnownReceiver?

    /// Makes a result.
    package init(
        outcome: AttemptOutcome, phases: AttemptPhases = AttemptPhases(), duration: Duration = .zero,
        responseHeaders: [(name: String, value: String)] = [], responseBody: [UInt8] = [], address: IPAddress? = nil
    ) {
        self.outcome = outcome
        self.phases = phases
        self.duration = duration
        self.responseHeaders = responseHeaders
        self.responseBody = responseBody
        self.address = address
    }

    /// The value of the first response header of that name, whatever its case.
    package func responseHeader(_ name: String) -> String? {
        let lowercased = name.lowercased()
        return responseHeaders.first { $0.name.lowercased() == lowercased }?.value
    }
}

/// How an attempt ended.
package enum AttemptOutcome: Hashable, Sendable {
    /// A final status line was read: any status, 2xx or not, whatever the body then did.
    case response(statusCode: Int)
    /// No final status line.
    case failure(AttemptFailure)
}

/// How long each step took; nil when it did not happen or did not finish.
package struct AttemptPhases: Hashable, Sendable {
    /// The lookup of the name; nil for a literal address.
    package var dns: Duration?

    /// Until a TCP connection stood; nil when a connection was reused.
    package var connect: Duration?

    /// The TLS handshake; nil without TLS and when a connection was reused.
    package var tls: Duration?

    /// From the request being handed to the socket to the first byte of the response.
    package var firstByte: Duration?

    /// Makes phases; by default none has happened.
    package init(dns: Duration? = nil, connect: Duration? = nil, tls: Duration? = nil, firstByte: Duration? = nil) {
        self.dns = dns
        self.connect = connect
        self.tls = tls
        self.firstByte = firstByte
    }
}
