import HTTPSMSWebhooks
import Storage
import Timestamps

/// Makes one attempt: signs, sends, judges. Touches no store.
package struct AttemptRunner: Sendable {
    private let sender: any WebhookSender
    private let tokens = SigningTokens()
    /// To parse one takes 60,000 instructions, a tenth of all that a delivery does.
    private let urls = Remembered<String, CallbackURL>(limit: 2_048)
    let renderers = PayloadRenderers()
    private let schedule: RetrySchedule
    private let clock: any WallClock
    let headers: DeliveryHeaders

    /// The public documentation's limit for one webhook request, to the last byte; a name is looked up before. An owner may set
    /// another: see ``EndpointPlan/timeLimit``.
    package static let timeLimit: Duration = .seconds(5)

    /// - Parameters:
    ///   - sender: Sends the request.
    ///   - schedule: When a failed delivery is tried again.
    ///   - clock: What JWTs and retries are dated by.
    ///   - version: This server's version, for `User-Agent`.
    package init(sender: any WebhookSender, schedule: RetrySchedule, clock: any WallClock, version: String) {
        self.sender = sender
        self.schedule = schedule
        self.clock = clock
        headers = DeliveryHeaders(version: version)
    }

    /// What came of a claim.
    enum Run: Sendable {
        /// An attempt, and what follows.
        case made(RecordedAttempt)
        /// The task was cancelled before a request was written, or this machine had no socket or no place for a lookup: nothing
        /// counts.
        case notMade(reason: String)
    }

    /// Sends `claim` to `endpoint` and says what follows.
    ///
    /// One that is cancelled when its request is written has failed: its receiver may have read it.
    func attempt(_ claim: ClaimedDelivery, to endpoint: Endpoint) async -> Run {
        var endpoint = endpoint
        endpoint.route = claim.route
        let startedAt = clock.now()
        var result: AttemptResult
        do {
            let url = try url(of: endpoint)
            let payload = try renderers.payload(of: claim.body, delivery: claim.id.text, for: endpoint)
            var request = WebhookRequest(
                poolKey: "\(endpoint.id) \(endpoint.version)\(endpoint.route == .fallback ? " fallback" : "")",
                url: url,
                headers: headers(claim, payload, endpoint, startedAt), body: payload.bytes, method: payload.method,
                pathSuffix: payload.pathSuffix, isPublicOnly: endpoint.isPublicOnly,
                caller: Self.caller(endpoint), turn: .init(delivery: claim.id.text, attempt: claim.attempt))
            request.trust = endpoint.trust
            result = await sender.send(request, within: endpoint.plan.timeLimit)
            // Nothing but a redirect means something of its own anywhere.
            if case .response(300..<400) = result.outcome { result.receiver = KnownReceiver(host: url.host) }
        } catch let error as PayloadFault {
            result = AttemptResult(outcome: .failure(AttemptFailure(.payloadInvalid, "\(error)")))
        } catch {
            result = AttemptResult(outcome: .failure(AttemptFailure(.urlInvalid, "\(error)")))
        }
        if result.isGivenUp, !result.isWritten {
            return .notMade(reason: result.outcome.failure?.detail ?? "")
        }
        let now = clock.instants()
        let jitter = clock.drawFraction()
        let schedule = endpoint.plan.schedule ?? schedule
        let outage = endpoint.outage.after(result, on: claim.route, startedAt: startedAt)
        let patience = endpoint.patience(after: result, on: claim.route, outage, at: now.wall)
        var verdict = Verdict(
            of: result, step: claim.step, at: now.wall, schedule: schedule, jitter: jitter, patience: patience)
        // Where there are no retries, the fallback is still to come.
        if claim.route == .trial, verdict == .failed, result.isOutage || result.isGivenUp {
            verdict = .retry(at: now.wall + .seconds(1))
        }
        var attempt = RecordedAttempt(
            claim: claim, endpointVersion: endpoint.version, startedAt: startedAt, result: result, verdict: verdict,
            hold: Hold(of: result, at: now.wall, schedule: schedule, jitter: jitter, patience: patience),
            judgedAt: now, isPaced: endpoint.pace.isAdapting, rate: endpoint.recentRate, schedule: schedule,
            jitter: jitter)
        attempt.isAboutURL = endpoint.plan.fallback != nil && outage != endpoint.outage
        return .made(attempt)
    }

    /// What is known of the name of `endpoint`.
    func knowledge(of endpoint: Endpoint) -> NameKnowledge {
        // A URL that cannot be parsed is the attempt's to tell.
        guard let url = try? url(of: endpoint) else { return .addresses }
        return sender.knowledge(of: url)
    }

    /// Looks the name of `endpoint` up; 5 s at most.
    func prepare(for endpoint: Endpoint) async {
        guard let url = try? url(of: endpoint) else { return }
        await sender.prepare(for: url, Self.caller(endpoint))
    }

    /// Where the next request goes.
    private func url(of endpoint: Endpoint) throws(CallbackURLError) -> CallbackURL {
        try urls.value(of: endpoint.target) { () throws(CallbackURLError) in try CallbackURL(endpoint.target) }
    }

    private static func caller(_ endpoint: Endpoint) -> LookupCaller {
        .delivery(account: endpoint.userID.account.text, endpoint: endpoint.id.text)
    }

    private func headers(
        _ claim: ClaimedDelivery, _ payload: RenderedPayload, _ endpoint: Endpoint, _ now: Timestamp
    ) -> DeliveryHeaders.List {
        var headers = headers.plain(
            type: claim.eventType, delivery: claim.id.text, attempt: claim.attempt, contentType: payload.contentType)
        headers += endpoint.headers.list(isSigned: endpoint.isSigned)
        if let authorization = tokens.authorization(for: endpoint, at: now) {
            headers.append(("Authorization", authorization))
        }
        return headers
            + DeliveryHeaders.signature(
                event: claim.eventID.text, at: now, body: payload.bytes, keys: endpoint.validSigningKeys(at: now))
    }
}
