/// Why an attempt has no response.
package struct AttemptFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The closed set of reasons; the raw value is stored with the attempt and is the label of a metric.
    package enum Code: String, CaseIterable, Hashable, Sendable {
        /// The delivery or its event cannot be read.
        case eventUnreadable = "event_unreadable"
        /// The event cannot be put into the webhook's format.
        case payloadInvalid = "payload_invalid"
        /// The stored URL cannot be parsed.
        case urlInvalid = "url_invalid"
        /// A header field could break out of its line, or is one that the sender writes itself.
        case headerInvalid = "header_invalid"
        /// The name has no addresses.
        case dnsFailed = "dns_failed"
        /// The name servers did not answer in time.
        case dnsTimeout = "dns_timeout"
        /// The policy refuses one of the addresses.
        case addressBlocked = "address_blocked"
        /// Every address refused the connection or was unreachable.
        case connectFailed = "connect_failed"
        /// No TCP connection in time.
        case connectTimeout = "connect_timeout"
        /// The operator's proxy cannot be reached, or does not lead to the receiver.
        case proxyFailed = "proxy_failed"
        /// The TLS handshake or the certificate failed.
        case tlsFailed = "tls_failed"
        /// The TLS handshake did not end in time.
        case tlsTimeout = "tls_timeout"
        /// No status line in time.
        case timeout = "timeout"
        /// The connection was closed before a status line.
        case connectionClosed = "connection_closed"
        /// The answer is not HTTP/1.1.
        case invalidResponse = "invalid_response"
        /// The head of the response is too large.
        case responseTooLarge = "response_too_large"
        /// This server did not make the attempt, and then it does not count, or gave it up before there was an answer.
        case cancelled
    }

    /// The reason.
    package let code: Code

    /// What happened in particular, without a full stop; may be empty, never holds secrets or bodies.
    package let detail: String

    /// Whether only a changed webhook can fix it. A name may have other addresses next time, a literal has its own.
    package let isFinal: Bool

    /// Makes a failure.
    ///
    /// - Parameters:
    ///   - code: The reason.
    ///   - detail: What happened in particular.
    ///   - isFinal: Whether trying again is pointless; nil where the code alone decides that.
    package init(_ code: Code, _ detail: String = "", isFinal: Bool? = nil) {
        self.code = code
        self.detail = detail
        self.isFinal = isFinal ?? code.isFinal
    }

    /// Code and detail, as in `dns_failed: the name does not exist or has no address`.
    package var description: String {
        detail.isEmpty ? code.rawValue : "\(code.rawValue): \(detail)"
    }
}

extension AttemptFailure.Code {
    /// Whether the cause never goes away by itself.
    fileprivate var isFinal: Bool { [.eventUnreadable, .payloadInvalid, .urlInvalid, .headerInvalid].contains(self) }

    /// What to do where the detail says more than the code; nil where it does not.
    func hint(forDetail detail: String) -> String? {
        switch self {
        case .tlsFailed: TLSFailure.hint(forDetail: detail)
        case .addressBlocked where !BlockedAddress.mayBeAllowed(detail): "Use a host with public addresses only."
        default: nil
        }
    }

    /// One sentence that tells the owner of the webhook what to do.
    package var hint: String {
        switch self {
        case .eventUnreadable: "Tell the operator of this server: what is stored of the event cannot be read."
        case .payloadInvalid: "Correct the template of the webhook, then send the delivery again."
        case .urlInvalid: "Correct the callback URL of the webhook."
        case .headerInvalid: "Remove line breaks and reserved names from the headers of the webhook."
        case .dnsFailed: "Check the host name of the callback URL and its DNS records."
        case .dnsTimeout: "Check that the name servers of the callback URL's domain answer."
        case .addressBlocked:
            "Use a host with public addresses only, or have the operator list its network in WEBHOOK_ALLOWED_NETWORKS."
        case .connectFailed: "Check that the receiver is running and that its port is open."
        case .connectTimeout: "Check that no firewall drops connections to the receiver."
        case .proxyFailed: "Tell the operator of this server: its proxy for webhooks does not lead to the receiver."
        case .tlsFailed:
            "Install a valid certificate for this host name, complete with its chain, or give the webhook its authority."
        case .tlsTimeout: "Check that the receiver speaks TLS on this port and is not overloaded."
        case .timeout: "Answer first and work afterwards: the receiver must answer within the time limit."
        case .connectionClosed: "Check the receiver's log: it closed the connection without an answer."
        case .invalidResponse: "Check that an HTTP/1.1 server listens on this port."
        case .responseTooLarge: "Send fewer or shorter response headers."
        case .cancelled:
            "Nothing of yours: the server was stopping or short of sockets. Send the delivery again if it has failed."
        }
    }
}
