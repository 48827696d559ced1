import Foundation
import Timestamps

/// The app's life, its registration and its stream (modules/gateway).
extension SMSGateApp {
    /// What the start of the process starts (GatewayService.kt start).
    mutating func start(at now: Timestamp, _ effects: inout [Effect]) {
        if isRunning { kill(at: now, &effects) }
        isRunning = true
        ping = settings.pingInterval.map { ($0, now + $0) }
        enqueue(.registration, at: now, &effects)
        enqueue(.pull, at: now, &effects)
        enqueue(.webhooks, at: now, &effects)
        enqueue(.settings, at: now, &effects)
        // A version that does not know the event has no webhook for it.
        emit("app:started", .members(["simCards": simCards { $0 }]), at: now)
        readInbox(at: now, &effects)
    }

    /// What is in memory goes; jobs that ran begin again at the next start, as WorkManager sees to.
    mutating func kill(at now: Timestamp, _ effects: inout [Effect]) {
        isRunning = false
        codeCall = nil
        effects += streamNumbers.map { .cancelStream($0) }
        lastStream = streams?.highest ?? lastStream
        streams = nil
        for index in jobs.indices {
            guard let call = jobs[index].call else { continue }
            effects.append(.abandon(call))
            jobs[index].phase = .waiting(until: now)
        }
        if let hook = hookCall { effects.append(.abandon(hook.call)) }
        hookCall = nil
    }

    /// The tab "By Code" (ui/HomeFragment.kt:86-110); it exists while nothing is registered.
    mutating func enter(_ code: String, _ effects: inout [Effect]) {
        guard registration == nil, codeCall == nil else { return }
        let call = nextCall()
        codeCall = call
        // The field takes digits only (res/layout/dialog_first_start.xml:123).
        let digits = code.filter { $0.isASCII && $0.isNumber }
        effects.append(.call(call, registerRequest(authorization: "Code \(digits)", pushToken: nil)))
    }

    /// Hands an answer to whatever asked for it; one that nobody waits for any more is dropped.
    mutating func take(_ answer: SMSGateAnswer?, to call: CallID, at now: Timestamp, _ effects: inout [Effect]) {
        if call == codeCall {
            codeCall = nil
            guard register(answer, pushToken: nil, &effects) else { return }
            return start(at: now, &effects)
        }
        if let hook = hookCall, hook.call == call {
            hookCall = nil
            return hookAnswered(hook.id, answer, at: now, &effects)
        }
        guard let index = jobs.firstIndex(where: { $0.call == call }) else { return }
        guard let answer, answer.isSuccess else {
            if case .registration = jobs[index].kind { return notRegistered(index, answer, at: now, &effects) }
            effects.append(.note(.failed(jobs[index].kind.name, status: answer?.status)))
            return fail(index, at: now, &effects)
        }
        let isUnderstood =
            switch jobs[index].kind {
            case .registration: registered(jobs[index], answer, &effects)
            case .pull: takeMessages(answer, at: now, &effects)
            case .webhooks: takeWebhooks(answer, &effects)
            case .settings: takeSettings(answer, &effects)
            case .report(let id): reported(id, &effects)
            }
        // What was taken may have added jobs, but none of them goes before.
        if isUnderstood { finish(index, at: now) } else { fail(index, at: now, &effects) }
    }

    /// A registration or an update succeeded.
    private mutating func registered(
        _ job: SMSGateJob, _ answer: SMSGateAnswer, _ effects: inout [Effect]
    ) -> Bool {
        if registration != nil, !job.isAfresh {
            pushToken = firebaseToken
        } else {
            guard register(answer, pushToken: firebaseToken, &effects) else { return false }
        }
        // The event "device registered" opens one more stream, whatever there is (gw/EventsReceiver.kt:87-97).
        if isRunning, pushToken == nil, phone.version.streams { openStream(&effects) }
        return true
    }

    private mutating func register(_ answer: SMSGateAnswer?, pushToken: String?, _ effects: inout [Effect]) -> Bool {
        guard let answer, answer.isSuccess else {
            effects.append(.note(.registrationFailed(answer?.text)))
            return false
        }
        guard let registration = try? JSONDecoder().decode(Registration.self, from: Data(answer.body)) else {
            // What is missing is null to Gson, and the app fails when it uses it.
            effects.append(.note(.unreadable("registration")))
            return false
        }
        self.registration = registration
        self.pushToken = pushToken
        effects.append(.note(.registered(id: registration.id)))
        return true
    }

    /// A 401 to PATCH makes the app register again, with the private token or without any (GatewayService.kt:117-128).
    private mutating func notRegistered(
        _ index: Int, _ answer: SMSGateAnswer?, at now: Timestamp, _ effects: inout [Effect]
    ) {
        if answer?.status == 401, registration != nil, !jobs[index].isAfresh {
            jobs[index].isAfresh = true
            jobs[index].phase = .waiting(until: now)
            return
        }
        effects.append(.note(.registrationFailed(answer?.text)))
        let wasPost = registration == nil || jobs[index].isAfresh
        fail(index, at: now, &effects)
        // The event "registration failed" comes of POST only, and starts the stream service like its counterpart.
        guard wasPost, pushToken == nil, phone.version.streams else { return }
        if registration != nil { return openStream(&effects) }
        effects.append(.note(.crashed))
        kill(at: now, &effects)
    }

    /// Opens a stream with the token that the manager began with.
    mutating func openStream(_ effects: inout [Effect]) {
        guard let token = streams?.token ?? registration?.token else { return }
        var manager = streams ?? SMSGateStreams(token: token, after: lastStream)
        let number = manager.connect()
        streams = manager
        effects.append(.openStream(number, streamRequest(token: token)))
    }

    mutating func streamOpened(_ number: Int, at now: Timestamp, _ effects: inout [Effect]) {
        guard streams?.live.contains(number) == true else { return }
        streams?.opened()
        effects.append(.note(.streamOpened(number)))
        // Nothing else is fetched then (SSEForegroundService.kt:51-54).
        if phone.version.pullsOnConnect { enqueue(.pull, at: now, &effects) }
    }

    /// An event of the stream (modules/orchestrator/EventsRouter.kt:21-55); one without a name is a nudge.
    mutating func heard(_ name: String?, _ data: String, at now: Timestamp, _ effects: inout [Effect]) {
        let name = name ?? "MessageEnqueued"
        guard phone.version.knows(streamEvent: name) else {
            return effects.append(.note(.unknownStreamEvent(name)))
        }
        switch name {
        case "WebhooksUpdated": enqueue(.webhooks, at: now, &effects)
        case "SettingsUpdated": enqueue(.settings, at: now, &effects)
        case "MessageCancelled":
            if let id = Self.member("messageId", of: data) { cancel(id, at: now, &effects) }
        case "MessagesExportRequested": export(data, at: now, &effects)
        default: enqueue(.pull, at: now, &effects)
        }
    }

    /// A text in the data of an event.
    static func member(_ name: String, of data: String) -> String? {
        // What is not an object has no members; the app logs that and goes on.
        (try? JSONDecoder().decode([String: String].self, from: Data(data.utf8)))?[name]
    }
}
