import Delivery
import Gateway
import HTTPSMSWebhooks
import Hummingbird
import Storage
import Timestamps

/// Forwarder apps: their hooks, how each app is set up, and what it sent last.
struct ForwarderPages: SignedInPages {
    let operations: ForwarderOperations
    let views: PageViews

    static let path = "/phones/forwarders"

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/phones/forwarders") { _, context in try await list(context) }
        group.post("/phones/forwarders") { _, context in
            let form = context.form
            do {
                let forwarder = try await operations.create(
                    Self.body(form), userID: context.userID, receipt: .unkept)
                return Response.seeOther("\(Self.path)/\(forwarder.id)")
            } catch let refusal as Refusal {
                return try await list(context, refusal: refusal)
            }
        }
        group.get("/phones/forwarders/:forwarderID", use: show)
        group.post("/phones/forwarders/:forwarderID/delete") { _, context in
            guard try await operations.delete(context.id("forwarderID", of: ForwarderID.self), userID: context.userID)
            else {
                throw PageError.notFound
            }
            return Response.seeOther(Self.path)
        }
    }

    private static func body(_ form: PageForm) -> ForwarderBody {
        ForwarderBody(
            name: form.text("name"), preset: form.text("preset"),
            numbers: SIM.allCases.map { ($0, form.text($0.rawValue.lowercased())) },
            template: Dictionary(
                ForwardedPart.allCases.map { ($0.rawValue, form.text("template_\($0.rawValue)")) },
                uniquingKeysWith: { $1 }))
    }

    private struct List {
        let isEmpty: Bool
        let forwarders: [Line]
        let presets: [App]
        let name: String
        let numbers: [Field]
        let pointers: [Field]
        /// Whether the pointers are shown at once.
        let hasPointers: Bool
        let problems: [String]

        struct Line {
            let path: String
            let name: String
            let app: String
            let numbers: [String]
            /// Nil before the first request.
            let heard: String?
        }

        struct App {
            let value: String
            let label: String
            let isChosen: Bool
        }

        struct Field {
            let id: String
            let label: String
            let value: String
        }
    }

    private func list(_ context: SignedInContext, refusal: Refusal? = nil) async throws -> Response {
        let now = operations.clock.now()
        let forwarders = try await operations.list(userID: context.userID)
        let form = context.form
        let fields = PageProblems.all(refusal)
        let pointers = ForwardedPart.allCases.map { part in
            let id = "template_\(part.rawValue)"
            return List.Field(id: id, label: part.rawValue, value: form.text(id))
        }
        return views.page(
            .forwarders, "Forwarder apps",
            List(
                isEmpty: forwarders.isEmpty,
                forwarders: forwarders.map { forwarder in
                    List.Line(
                        path: "\(Self.path)/\(forwarder.id)", name: forwarder.name, app: forwarder.preset.appName,
                        numbers: forwarder.numbers.map(\.phoneNumber),
                        heard: forwarder.lastRequestAt.map { Elapsed.ago($0, now: now) })
                },
                presets: ForwarderPreset.allCases.map {
                    List.App(value: $0.rawValue, label: $0.appName, isChosen: $0.rawValue == form.text("preset"))
                },
                name: refusal == nil ? "My phone" : form.text("name"),
                numbers: SIM.allCases.map { sim in
                    let id = sim.rawValue.lowercased()
                    return List.Field(id: id, label: "Number of \(sim.rawValue)", value: form.text(id))
                },
                pointers: pointers, hasPointers: pointers.contains { !$0.value.isEmpty },
                problems: refusal.map { refusal in
                    fields.isEmpty ? [refusal.message] : fields.sorted { $0.key < $1.key }.flatMap(\.value)
                } ?? []),
            context, status: refusal?.status ?? .ok)
    }

    private struct Content {
        let path: String
        let name: String
        let app: String
        let setUp: String
        let url: String
        let isSecure: Bool
        let curl: String
        let numbers: [Number]
        let pointers: [Pair]
        let requests: [Line]

        struct Number {
            let sim: String
            let number: String
            let path: String
        }

        struct Pair {
            let name: String
            let place: String
            let value: String
        }

        struct Line {
            let receivedAt: String
            let method: String
            let kind: String
            let status: Int
            let answer: String
            let messagePath: String?
            let contentType: String
            /// Nil when there was none, as the body.
            let query: String?
            let body: String?
            let readings: [Pair]
        }
    }

    private func show(_ request: Request, _ context: SignedInContext) async throws -> Response {
        guard
            let (forwarder, requests) = try await operations.find(
                context.id("forwarderID", of: ForwarderID.self), userID: context.userID)
        else {
            throw PageError.notFound
        }
        let url = operations.url(of: forwarder, told: context.page.origin.baseURL)
        return views.page(
            .forwarder, forwarder.name,
            Content(
                path: "\(Self.path)/\(forwarder.id)", name: forwarder.name, app: forwarder.preset.appName,
                setUp: "/docs/forwarders#\(forwarder.preset.anchor)", url: url, isSecure: url.hasPrefix("https://"),
                curl: """
                    curl '\(url)' -H 'Content-Type: application/json' \
                    -d '{"from": "+18005550100", "text": "Hello"}'
                    """,
                numbers: forwarder.numbers.map {
                    Content.Number(
                        sim: $0.sim.rawValue, number: $0.phoneNumber,
                        path: PageLink.to("/messages", ["owner": $0.phoneNumber]))
                },
                pointers: ForwardedPart.allCases.compactMap { part in
                    forwarder.template?.pointers[part].map {
                        Content.Pair(name: part.rawValue, place: $0.text, value: "")
                    }
                },
                requests: requests.map(Self.line)),
            context)
    }

    private static func line(_ request: ForwardedRequest) -> Content.Line {
        Content.Line(
            receivedAt: PageTime.shown(request.receivedAt), method: request.method,
            kind: request.status == 200 ? "succeeded" : "failed", status: request.status, answer: request.answer,
            messagePath: request.messageID.map { "/messages/message/\($0)" }, contentType: request.contentType,
            query: request.query.isEmpty ? nil : request.query, body: request.body.isEmpty ? nil : request.body,
            readings: request.readings.map {
                Content.Pair(name: $0.part.rawValue, place: $0.place.isEmpty ? "nowhere" : $0.place, value: $0.value)
            })
    }
}

extension ForwarderPreset {
    /// The name of the app.
    fileprivate var appName: String {
        switch self {
        case .incomingSMSGateway: "Incoming SMS Gateway"
        case .smsForwarder: "SmsForwarder"
        case .tasker: "Tasker"
        case .macrodroid: "MacroDroid"
        case .gammu: "Gammu"
        case .generic: "Any other app"
        }
    }

    /// The heading of its set-up in the documentation.
    var anchor: String { Markdown.anchor(appName) }
}
