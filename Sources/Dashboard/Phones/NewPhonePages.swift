import Delivery
import Gateway
import HTTPSMSWebhooks
import HTTPTypes
import Hummingbird
import Secrets
import Storage
import Timestamps

/// Connecting a phone. With the SMSGate app: its numbers, which lead on to ``ConnectPages``. With the httpSMS app, step by step:
/// its key, which is shown in the answer that makes it and never again, what to type into the app, and whether the phone has been
/// heard.
struct NewPhonePages: SignedInPages {
    let keys: PhoneAPIKeyOperations
    let devices: DeviceOperations
    let site: ServerSite
    /// What URLs that we hand out begin with, given what a trusted proxy says.
    let appURL: @Sendable (_ told: String?) -> String
    /// Whether the server has Firebase.
    let pushes: Bool
    let views: PageViews

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/phones/new") { request, context in
            try await show(request, context, pairing: Pairing(number: QueryParameters(request)["number"] ?? ""))
        }
        group.post("/phones/new/pair", use: pair)
        group.post("/phones/new") { request, context in
            let name = context.form.text("name")
            do {
                let key = try await keys.create(name: name, userID: context.userID, receipt: .unkept)
                return try await show(request, context, key: key)
            } catch let refusal as Refusal {
                return try await show(request, context, name: name, refusal: refusal)
            }
        }
    }

    /// The fields of the form that pairs a phone with the SMSGate app.
    private struct Pairing {
        var name = ""
        var numbers: [Field] = []
        var problems: [String] = []

        struct Field {
            let id: String
            let label: String
            let hint: String
            let value: String
            let isRequired: Bool
            var problems: [String] = []
        }

        init(number: String) {
            numbers = Self.fields { $0 == .sim1 ? number : "" }
        }

        init(_ form: PageForm) {
            name = form.text("name")
            numbers = Self.fields { form.text($0.rawValue.lowercased()) }
        }

        /// Puts what the API says of the numbers of `sims` at their fields, and the rest above them.
        mutating func note(_ refusal: Refusal, of sims: [SIM]) {
            if refusal.problems.isEmpty { problems.append(refusal.message) }
            for message in refusal.listedProblems {
                guard let found = message.firstMatch(of: /^The numbers field in index \[(\d)\] (.*)$/),
                    let index = Int(found.1), sims.indices.contains(index),
                    let field = numbers.firstIndex(where: { $0.id == sims[index].rawValue.lowercased() })
                else {
                    problems.append(PageProblems.plain(message, at: "numbers"))
                    continue
                }
                numbers[field].problems.append(PageProblems.plain("The number \(found.2)", at: "numbers"))
            }
        }

        private static func fields(_ value: (SIM) -> String) -> [Field] {
            SIM.allCases.map { sim in
                Field(
                    id: sim.rawValue.lowercased(),
                    label: sim == .sim1 ? "Number of its SIM card" : "Number of its second SIM card",
                    hint: sim == .sim1
                        ? "With the country code, such as +18005550199. The app does not know it."
                        : "Empty if it has one only.",
                    value: value(sim), isRequired: sim == .sim1)
            }
        }
    }

    private func pair(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let form = context.form
        let numbers = SIM.allCases.compactMap { sim -> SIMNumber? in
            let number = PhoneNumber.address(form.text(sim.rawValue.lowercased()))
            return number.isEmpty ? nil : SIMNumber(sim: sim, phoneNumber: number)
        }
        do {
            let pairing = try await devices.pair(
                name: form.text("name"), numbers: numbers, url: appURL(context.page.origin.baseURL) + Device.path,
                userID: context.userID, receipt: .unkept)
            return Response.seeOther(FreshPairing.pagePath(pairing.privateToken))
        } catch let refusal as Refusal {
            var pairing = Pairing(form)
            pairing.note(refusal, of: numbers.map(\.sim))
            return try await show(request, context, pairing: pairing, status: refusal.status)
        }
    }

    private struct Content {
        /// Nil once a key was made: the other app was chosen.
        let pairing: Pairing?
        /// Whether the server has Firebase.
        let pushes: Bool
        let serverURL: String
        let isSecure: Bool
        let name: String
        let nameProblems: [String]
        let key: Key?
        let arrivals: [Arrival]
        /// Whether there is something to wait for.
        let isWaiting: Bool

        struct Key {
            let name: String
            let apiKey: String
            let code: QRCode?
        }
    }

    /// A phone that logged in lately: that changes it.
    private struct Arrival {
        let path: String
        let number: String
        /// Whether the app itself logged in; else somebody has only made its settings.
        let isLoggedIn: Bool
        /// Nil before the first heartbeat.
        let heard: String?
    }

    private func show(
        _ request: Request, _ context: SignedInContext, key: PhoneAPIKey? = nil, name: String = "My phone",
        refusal: Refusal? = nil, pairing: Pairing = Pairing(number: ""), status: HTTPResponse.Status? = nil
    ) async throws -> Response {
        let arrivals = try await arrivals(of: context.userID)
        let problems = PageProblems.all(refusal)["name"] ?? refusal.map { [$0.message] } ?? []
        return views.page(
            .phoneNew, "Connect a phone",
            Content(
                pairing: key == nil ? pairing : nil, pushes: pushes,
                serverURL: site.baseURL(request, isSecure: context.page.isSecure), isSecure: context.page.isSecure,
                name: name, nameProblems: problems,
                key: key.map {
                    Content.Key(name: $0.name, apiKey: $0.apiKey.exposed, code: QRCode($0.apiKey.exposed))
                },
                arrivals: arrivals, isWaiting: arrivals.isEmpty || arrivals.contains { $0.heard == nil }),
            context, status: status ?? refusal?.status ?? .ok)
    }

    private func arrivals(of userID: UserID) async throws -> [Arrival] {
        let now = keys.clock.now()
        var errors = FieldErrors()
        let page = Page(QueryParameters(query: ""), limit: 100, errors: &errors)
        let (phones, presences) = try await keys.store.read(.user(userID)) { tx in
            let phones = try PhoneQueries.list(userID: userID, page: page, in: tx)
            return (phones, try HeartbeatQueries.presences(of: phones.map(\.id), in: tx))
        }
        return phones.filter { $0.updatedAt > now - .seconds(3_600) }.map { phone in
            Arrival(
                path: "\(PhonePages.path)/\(phone.id)", number: phone.phoneNumber,
                isLoggedIn: phone.transport != .none,
                heard: presences[phone.id].map { Elapsed.ago($0.lastHeartbeatAt, now: now) })
        }
    }
}
