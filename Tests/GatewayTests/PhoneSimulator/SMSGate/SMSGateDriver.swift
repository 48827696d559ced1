import Testing
import Timestamps

@testable import Gateway
@testable import PhoneSimulator

/// Drives an app by hand: answers its calls, lets time pass, and keeps what it did.
struct SMSGateDriver {
    var app: SMSGateApp
    private(set) var now = Timestamp(rfc3339: "2026-11-25T10:00:00Z") ?? Timestamp(microseconds: 0)
    /// Calls without an answer yet, oldest first.
    private(set) var calls: [(id: SMSGateApp.CallID, request: SMSGateRequest)] = []
    /// All calls that were ever made.
    private(set) var made: [SMSGateRequest] = []
    private(set) var radio: [SMSGateMessages.Outgoing] = []
    private(set) var notes: [SMSGateApp.Note] = []
    private(set) var abandoned: [SMSGateApp.CallID] = []
    /// Streams that live, and how many were ever opened.
    private(set) var streams: [Int] = []
    private(set) var opened = 0
    /// What a cancelled stream does: a closed one ends.
    private var ended: [Int] = []

    static let url = "https://sms.example.com/api/mobile/v1"
    static let registration = #"{"id":"device-1","token":"dv_token","login":"anna@example.com"}"#
    static let hooks = #"[{"id":"h1","url":"https://sms.example.com/in","event":"sms:received"}]"#

    init(_ change: (inout SMSGatePhone) -> Void = { _ in }) {
        var phone = SMSGatePhone(url: Self.url)
        change(&phone)
        app = SMSGateApp(phone)
    }

    /// An app that was paired by code, with its stream open and its lists fetched.
    static func paired(
        hooks: String = hooks, settings: String = "{}", _ change: (inout SMSGatePhone) -> Void = { _ in }
    ) -> SMSGateDriver {
        var driver = SMSGateDriver(change)
        driver.happen(.enterCode("12345678"))
        driver.answer("POST /device", 201, registration)
        driver.answer("PATCH /device", 204)
        driver.answer("GET /message", 200, "[]")
        driver.answer("GET /webhooks", 200, hooks)
        driver.answer("GET /settings", 200, settings)
        if let stream = driver.streams.first {
            driver.happen(.streamOpened(stream))
            driver.answer("GET /message", 200, "[]")
        }
        return driver
    }

    mutating func happen(_ input: SMSGateApp.Input) {
        for effect in app.handle(input, at: now) {
            switch effect {
            case .call(let id, let request):
                calls.append((id, request))
                made.append(request)
            case .abandon(let id):
                abandoned.append(id)
                calls.removeAll { $0.id == id }
            case .openStream(let number, _):
                streams.append(number)
                opened += 1
            case .cancelStream(let number): ended.append(number)
            case .radio(let outgoing): radio.append(outgoing)
            case .note(let note): notes.append(note)
            }
        }
        while let number = ended.popLast() {
            streams.removeAll { $0 == number }
            happen(.streamEnded(number))
        }
    }

    /// The server ends a stream.
    mutating func endStream(_ number: Int) {
        streams.removeAll { $0 == number }
        happen(.streamEnded(number))
    }

    /// Names a call as `GET /message`, without its query.
    static func name(_ request: SMSGateRequest) -> String {
        let path = request.url.hasPrefix(url) ? String(request.url.dropFirst(url.count)) : "HOOK"
        return "\(request.method) \(path.prefix { $0 != "?" })"
    }

    /// Answers the oldest open call of this name; a status of nil is no answer.
    mutating func answer(
        _ name: String, _ status: Int?, _ body: String = "", at location: SourceLocation = #_sourceLocation
    ) {
        guard let index = calls.firstIndex(where: { Self.name($0.request) == name }) else {
            Issue.record("no open call \(name), but \(open)", sourceLocation: location)
            return
        }
        let call = calls.remove(at: index)
        happen(.answered(call.id, status.map { SMSGateAnswer($0, body.utf8) }))
    }

    /// Names of the open calls.
    var open: [String] { calls.map { Self.name($0.request) } }

    func made(_ name: String) -> [SMSGateRequest] { made.filter { Self.name($0) == name } }

    /// Lets time pass, with a look at each moment at which something is due.
    mutating func pass(_ duration: Duration) {
        let end = now + duration
        while let due = app.nextDue, due <= end {
            now = max(now, due)
            let before = made.count + opened
            happen(.tick)
            if made.count + opened == before, app.nextDue == due { break }
        }
        now = end
        happen(.tick)
    }

    /// Ends all reports that are open.
    mutating func answerReports() {
        while open.contains("PATCH /message") { answer("PATCH /message", 204) }
    }

    /// An offer as the server makes it.
    static func offer(_ id: String, _ members: String = "", to number: String = "+18005550100") -> String {
        """
        {"id":"\(id)","textMessage":{"text":"Hi"},"message":"Hi","phoneNumbers":["\(number)"]\(members),\
        "state":"Pending"}
        """
    }

    /// Nudges the app and answers its pull.
    mutating func offer(_ offers: String...) {
        happen(.streamSaid(streams[0], name: "MessageEnqueued", data: "null"))
        answer("GET /message", 200, "[\(offers.joined(separator: ","))]")
    }
}
