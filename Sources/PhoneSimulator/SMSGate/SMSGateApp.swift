import Timestamps

/// The SMSGate app for Android, in private server mode, as a value: what happens goes in, what it does comes out.
///
/// Written from the app's source, v1.68.0 (capcom6/android-sms-gateway, commit 0cdc5d8), flaws included; older versions
/// by a switch. It knows no network and no clock: who drives it makes the calls that it asks for, tells what came of them,
/// and says what time it is. Citations are of files below `app/src/main/java/me/capcom/smsgateway/`.
///
///     var app = SMSGateApp(phone)
///     for effect in app.handle(.start, at: clock.now()) { ... }
package struct SMSGateApp: Sendable {
    /// What happens to the app.
    package enum Input: Sendable {
        /// The app starts: by a tap, or by autostart.
        case start
        /// The user types a code into the tab "By Code"; only a fresh install has it.
        case enterCode(String)
        /// Android ends the process; what is on disk stays.
        case kill
        /// Firebase gives the phone a new token, or the user taps Offline and Online.
        case registerAgain
        /// Time has passed: see ``nextDue``.
        case tick
        /// A call ended; nil when there was no answer.
        case answered(CallID, SMSGateAnswer?)
        /// The server accepted a stream.
        case streamOpened(Int)
        /// An event came on a stream, with data.
        case streamSaid(Int, name: String?, data: String)
        /// A stream ended or was refused.
        case streamEnded(Int)
        /// An SMS came to the phone.
        case arrived(SMSGateInbox.SMS)
        /// Android says that an SMS was sent, or why not (the name of a result code).
        case sent(id: String, error: String?)
        /// A delivery report came; `status` is nil for success.
        case delivered(id: String, status: Int?)
        /// Android calls the phone connected, or not.
        case network(Bool)
    }

    /// What the app does.
    package enum Effect: Hashable, Sendable {
        case call(CallID, SMSGateRequest)
        /// A call is cut off: its answer, if there is one, is not looked at.
        case abandon(CallID)
        case openStream(Int, SMSGateRequest)
        case cancelStream(Int)
        /// An SMS goes to the radio.
        case radio(SMSGateMessages.Outgoing)
        /// What the user sees or the log holds.
        case note(Note)
    }

    /// A call, by a number that is used once.
    package struct CallID: Hashable, Sendable {
        let number: Int
    }

    /// What is worth telling.
    package enum Note: Hashable, Sendable {
        /// A toast: what the server answered to a registration that failed, nil when it did not answer.
        case registrationFailed(String?)
        case registered(id: String)
        /// The stream service was started without a registration: the app ends (SSEForegroundService.kt:43-48).
        case crashed
        case streamOpened(Int)
        case pulled(count: Int)
        /// An answer that the app cannot read; it asks again later.
        case unreadable(String)
        /// A call that did not succeed, with the status.
        case failed(String, status: Int?)
        case webhooks(count: Int)
        case settingsChanged
        case reported(id: String, state: SMSGateMessages.State)
        case reportDropped(id: String)
        case passedOn(event: String)
        /// An SMS is lost for good, and why.
        case smsLost(String)
        case unknownStreamEvent(String)
    }

    /// What the phone is.
    package let phone: SMSGatePhone
    // What follows is on disk: it outlives the process.
    /// The registration, once there is one.
    package internal(set) var registration: Registration?
    var pushToken: String?
    /// What the server listed.
    package internal(set) var webhooks: [SMSGateWebhook] = []
    /// What the server or the user set.
    package internal(set) var settings = SMSGateSettings()
    /// What was to be sent.
    package internal(set) var messages = SMSGateMessages()
    /// What came in.
    package internal(set) var inbox = SMSGateInbox()
    var jobs: [SMSGateJob] = []
    // What follows is in memory.
    /// Whether the process lives.
    package internal(set) var isRunning = false
    /// Whether Android calls the phone connected.
    package internal(set) var isConnected = true
    var streams: SMSGateStreams?
    /// The highest number that a stream had.
    var lastStream = 0
    /// The call with the code of the user.
    var codeCall: CallID?
    /// The hook that is on its way; they go one after the other.
    var hookCall: (call: CallID, id: String)?
    /// By the setting that held at the start, and when the next one is due.
    var ping: (interval: Duration, due: Timestamp)?
    private var lastNumber = 0
    private var chance: UInt64

    /// A device at a server.
    package struct Registration: Hashable, Sendable, Decodable {
        /// The device's id.
        package let id: String
        let token: String
        let login: String
    }

    /// A fresh install.
    package init(_ phone: SMSGatePhone) {
        self.phone = phone
        chance = phone.seed
        settings.signingKey = nextID(length: 8)
        if phone.isStreamOnly { settings.channel = .streamOnly }
    }

    /// How many streams are open or being opened.
    package var liveStreams: Int { streams?.live.count ?? 0 }

    /// Their numbers, the oldest first.
    package var streamNumbers: [Int] { (streams?.live ?? []).sorted() }

    /// Takes what happened, in the order in which it happened.
    ///
    /// - Parameters:
    ///   - input: What happened.
    ///   - now: The true time; the phone's own is off by ``SMSGatePhone/clockError``.
    /// - Returns: What to do, in order.
    package mutating func handle(_ input: Input, at now: Timestamp) -> [Effect] {
        var effects: [Effect] = []
        switch input {
        case .start: start(at: now, &effects)
        case .enterCode(let code): enter(code, &effects)
        case .kill: kill(at: now, &effects)
        case .registerAgain: if isRunning { enqueue(.registration, at: now, &effects) }
        case .tick: break
        case .answered(let call, let answer): take(answer, to: call, at: now, &effects)
        case .streamOpened(let number): streamOpened(number, at: now, &effects)
        case .streamSaid(let number, let name, let data):
            if streams?.live.contains(number) == true { heard(name, data, at: now, &effects) }
        case .streamEnded(let number):
            if let other = streams?.ended(number, at: now) { effects.append(.cancelStream(other)) }
        case .arrived(let sms): take(sms, at: now, &effects)
        case .sent(let id, let error):
            // The broadcasts of Android reach a process that lives, or start it.
            change(id, at: now, &effects) { $0.sent(error: error, at: $1) }
        case .delivered(let id, let status):
            change(id, at: now, &effects) { $0.delivered(status: status, at: $1) }
        case .network(let isConnected): self.isConnected = isConnected
        }
        if isRunning { work(at: now, &effects) }
        return effects
    }

    /// When ``Input/tick`` has something to do; nil when nothing waits.
    package var nextDue: Timestamp? {
        guard isRunning else { return nil }
        var times = isConnected ? jobs.compactMap(\.due) : []
        times += streams?.reconnects ?? []
        if let ping { times.append(ping.due) }
        if let due = messages.nextDue { times.append(due) }
        if mayPostHook, let due = inbox.nextDue { times.append(due) }
        return times.min()
    }

    /// The time by the phone's clock.
    func phoneTime(_ now: Timestamp) -> Timestamp { now + phone.clockError }

    mutating func nextCall() -> CallID {
        lastNumber += 1
        return CallID(number: lastNumber)
    }

    /// A NanoID, as the app makes them.
    mutating func nextID(length: Int = 21) -> String {
        String((0..<length).map { _ in Self.alphabet[Int(draw() % UInt64(Self.alphabet.count))] })
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014), so that a seed gives the same phone again.
    private mutating func draw() -> UInt64 {
        chance &+= 0x9E37_79B9_7F4A_7C15
        var mixed = chance
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
}
