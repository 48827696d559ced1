import Timestamps

/// Work that Android's WorkManager keeps for the app, on disk, until it succeeds or is given up.
struct SMSGateJob: Sendable {
    enum Kind: Hashable, Sendable {
        /// PATCH /device with a token, else POST /device with the private token or none.
        case registration
        case pull
        case webhooks
        case settings
        /// Of one change of one message; each change has its own, and each tells what the message is by then.
        case report(String)

        /// How often it is done again of itself; nil for once.
        var period: Duration? {
            switch self {
            case .registration, .report: nil
            case .pull: .seconds(900)
            case .webhooks, .settings: .seconds(86_400)
            }
        }

        /// Whether a new one takes the place of the one there is, running or not (REPLACE).
        var isUnique: Bool {
            if case .report = self { false } else { true }
        }

        var name: String {
            switch self {
            case .registration: "registration"
            case .pull: "pull"
            case .webhooks: "webhooks"
            case .settings: "settings"
            case .report: "report"
            }
        }
    }

    enum Phase: Sendable {
        case waiting(until: Timestamp)
        case running(SMSGateApp.CallID)
    }

    let kind: Kind
    var phase: Phase
    /// Failures in a row.
    var failures = 0
    /// Whether the registration begins with POST, after a 401.
    var isAfresh = false

    /// When it is to be started; nil while it runs.
    var due: Timestamp? {
        if case .waiting(let time) = phase { time } else { nil }
    }

    var call: SMSGateApp.CallID? {
        if case .running(let call) = phase { call } else { nil }
    }
}

extension SMSGateApp {
    /// Enqueues work that can run at once; one of a unique kind replaces what there is, and cuts its call off.
    mutating func enqueue(_ kind: SMSGateJob.Kind, at now: Timestamp, _ effects: inout [Effect]) {
        if kind.isUnique {
            effects += jobs.filter { $0.kind == kind }.compactMap { $0.call.map { .abandon($0) } }
            jobs.removeAll { $0.kind == kind }
        }
        jobs.append(SMSGateJob(kind: kind, phase: .waiting(until: now)))
    }

    /// Does whatever is due.
    mutating func work(at now: Timestamp, _ effects: inout [Effect]) {
        for _ in 0..<(streams?.due(at: now) ?? 0) { openStream(&effects) }
        if let ping, ping.due <= now {
            self.ping = (ping.interval, now + ping.interval)
            emit("system:ping", health, at: now)
            enqueue(.pull, at: now, &effects)
        }
        sendPending(at: now, &effects)
        if isConnected {
            // Each turn starts a job, ends it, or puts it off for a period.
            while let index = jobs.firstIndex(where: { job in job.due.map { $0 <= now } == true }) {
                begin(index, at: now, &effects)
            }
        }
        postHook(at: now, &effects)
    }

    /// Starts a job; one that has nothing to ask for succeeds at once.
    private mutating func begin(_ index: Int, at now: Timestamp, _ effects: inout [Effect]) {
        guard let request = request(for: jobs[index], at: now) else { return finish(index, at: now) }
        let call = nextCall()
        jobs[index].phase = .running(call)
        effects.append(.call(call, request))
    }

    private mutating func request(for job: SMSGateJob, at now: Timestamp) -> SMSGateRequest? {
        let bearer = registration.map { "Bearer \($0.token)" }
        switch job.kind {
        case .registration:
            guard let registration, !job.isAfresh else {
                return registerRequest(
                    authorization: phone.privateToken.map { "Bearer \($0)" }, pushToken: firebaseToken)
            }
            return updateRequest(registration, pushToken: firebaseToken)
        case .pull:
            let order = phone.version.hasOrder ? "?order=\(settings.order.rawValue.lowercased())" : ""
            return bearer.map { request("GET", "/message\(order)", authorization: $0) }
        case .webhooks:
            // Without a token the list counts as empty, and the next look is a day away (GatewayService.kt getWebHooks).
            if bearer == nil { webhooks = [] }
            return bearer.map { request("GET", "/webhooks", authorization: $0) }
        case .settings: return bearer.map { request("GET", "/settings", authorization: $0) }
        case .report(let id):
            guard let registration, let message = messages.known[id] else { return nil }
            return reportRequest(message, token: registration.token)
        }
    }

    /// What Firebase gives: the app asks it unless the channel is "SSE Only".
    var firebaseToken: String? {
        settings.channel == .streamOnly || !phone.hasGoogleServices ? nil : "fcm-\(phone.seed)"
    }

    /// After a success: what is periodic waits for its next time, and the rest goes.
    mutating func finish(_ index: Int, at now: Timestamp) {
        jobs[index].failures = 0
        if let period = jobs[index].kind.period {
            jobs[index].phase = .waiting(until: now + period)
        } else {
            jobs.remove(at: index)
        }
    }

    /// After a failure, which every status but 2xx is.
    mutating func fail(_ index: Int, at now: Timestamp, _ effects: inout [Effect]) {
        jobs[index].failures += 1
        jobs[index].isAfresh = false
        let failures = jobs[index].failures
        if case .report(let id) = jobs[index].kind {
            guard let wait = SMSGateRetry.report(failures: failures) else {
                effects.append(.note(.reportDropped(id: id)))
                jobs.remove(at: index)
                return
            }
            jobs[index].phase = .waiting(until: now + wait)
        } else {
            jobs[index].phase = .waiting(until: now + SMSGateRetry.work(failures: failures))
        }
    }
}
