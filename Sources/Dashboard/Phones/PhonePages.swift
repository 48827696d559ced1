import Delivery
import Gateway
import HTTPSMSWebhooks
import Hummingbird
import Storage
import Timestamps

/// The phones: the list, and one phone with its heartbeats and settings. The rules are those of the API, whose operations
/// are called.
struct PhonePages: SignedInPages {
    let operations: PhoneOperations
    /// How long a phone may be silent and counts as online.
    let offlineAfter: Duration
    /// The services that take pushes of the server.
    let pushes: Set<PushKind>
    let views: PageViews

    static let path = "/phones"

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/phones", use: list)
        group.get("/phones/:phoneID") { request, context in
            try await show(context, span: Self.span(request))
        }
        group.post("/phones/:phoneID", use: save)
        group.post("/phones/:phoneID/allow-move") { _, context in
            let id = try context.id("phoneID", of: PhoneID.self)
            guard try await operations.allowMove(of: id, userID: context.userID) else { throw PageError.notFound }
            return Response.seeOther("\(Self.path)/\(id)#keys")
        }
        group.post("/phones/:phoneID/delete") { _, context in
            guard try await operations.delete(context.id("phoneID", of: PhoneID.self), userID: context.userID) else {
                throw PageError.notFound
            }
            return Response.seeOther(Self.path)
        }
    }

    private struct IdleDevice {
        let path: String
        let name: String
    }

    private struct ListContent {
        let isEmpty: Bool
        let phones: [PhoneSummary]
        /// Devices whose numbers others have.
        let idle: [IdleDevice]
        let nextPage: String?
    }

    private func list(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let (userID, now) = (context.userID, operations.clock.now())
        let slice = ListSlice(QueryParameters(request), size: 25)
        let (found, count, idle) = try await operations.store.read(.user(userID)) { [pushes] tx in
            let phones = try PhoneQueries.list(userID: userID, page: slice.page(), in: tx)
            return (
                try PhoneSummary.Found.all(
                    Array(phones.prefix(slice.size)), of: userID, span: .day, now: now, pushes: pushes, in: tx),
                phones.count,
                slice.isFirst ? try PhoneDeviceQueries.withoutNumbers(of: userID, in: tx) : []
            )
        }
        return views.page(
            .phones, "Phones",
            ListContent(
                isEmpty: found.isEmpty && slice.isFirst,
                phones: found.map { summary($0, span: .day, now: now) },
                idle: idle.map { IdleDevice(path: "\(DevicePages.path)/\($0.id)", name: $0.name) },
                nextPage: slice.olderPage(of: count) { "?skip=\($0)" }),
            context)
    }

    private func summary(_ found: PhoneSummary.Found, span: HeartbeatChart.Span, now: Timestamp) -> PhoneSummary {
        PhoneSummary(found, span: span, now: now, offlineAfter: offlineAfter)
    }

    private struct Content {
        let phone: PhoneSummary
        let id: String
        /// Nil when no device with the SMSGate app has the number.
        let device: DeviceCard?
        let connectPath: String
        let settings: PhoneSettings
        let isSecondSIM: Bool
        let schedules: [Named]
        let spans: [Choice]
        /// Until when any key may take the number; nil when that is not allowed.
        let moveAllowedUntil: String?
        let moves: [PhoneMoveLine]
        let minimumExpiration: Int64
        let problem: String?
        let rateProblems: [String]
        let attemptProblems: [String]
        let expirationProblems: [String]
        let scheduleProblems: [String]
    }

    private struct Named {
        let id: String
        let name: String
        let isChosen: Bool
    }

    private func show(
        _ context: SignedInContext, span: HeartbeatChart.Span = .day,
        typed: PhoneSettings? = nil, refusal: Refusal? = nil
    ) async throws -> Response {
        let (id, userID, now) = (try context.id("phoneID", of: PhoneID.self), context.userID, operations.clock.now())
        let read = try await operations.store.read(.user(userID)) { [pushes] tx in
            let phones = try PhoneQueries.find(id, userID: userID, in: tx).map { [$0] } ?? []
            return (
                found: try PhoneSummary.Found.all(
                    phones, of: userID, span: span, now: now, pushes: pushes, in: tx
                ).first,
                device: try phones.first.flatMap { try DeviceCard.read(of: $0, now: now, in: tx) },
                schedules: try SendScheduleQueries.list(userID: userID, in: tx),
                moves: try phones.first.map { try PhoneMoveQueries.list(of: $0.phoneNumber, userID: userID, in: tx) }
                    ?? []
            )
        }
        guard let found = read.found else { throw PageError.notFound }
        let settings = typed ?? PhoneSettings(found.phone)
        let problems = PageProblems.all(refusal)
        return views.page(
            .phone, PageParty.digits(found.phone.phoneNumber),
            Content(
                phone: summary(found, span: span, now: now), id: id.text, device: read.device,
                connectPath: PageLink.to("/phones/new", ["number": found.phone.phoneNumber]), settings: settings,
                isSecondSIM: settings.sim == SIM.sim2.rawValue,
                schedules: read.schedules.map {
                    Named(id: $0.id.text, name: $0.name, isChosen: $0.id.text == settings.scheduleID)
                },
                spans: HeartbeatChart.Span.allCases.map {
                    Choice(value: $0.rawValue, isChosen: $0 == span, note: $0.name)
                },
                moveAllowedUntil: found.phone.moveAllowedUntil.flatMap { $0 > now ? PageTime.shown($0) : nil },
                moves: read.moves.map { PhoneMoveLine($0) },
                minimumExpiration: operations.minimumExpiration.components.seconds,
                problem: refusal.map {
                    problems.isEmpty ? $0.message : "Nothing was saved. Check the highlighted fields."
                },
                rateProblems: problems["messages_per_minute"] ?? [],
                attemptProblems: problems["max_send_attempts"] ?? [],
                expirationProblems: problems["message_expiration_seconds"] ?? [],
                scheduleProblems: problems["message_send_schedule_id"] ?? []),
            context, status: refusal?.status ?? .ok)
    }

    private func save(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let (id, userID) = (try context.id("phoneID", of: PhoneID.self), context.userID)
        let phone = try await operations.store.read(.user(userID)) { tx in
            try PhoneQueries.find(id, userID: userID, in: tx)
        }
        guard let phone else { throw PageError.notFound }
        let typed = PhoneSettings(context.form)
        do {
            _ = try await operations.save(typed.update(of: phone.phoneNumber), userID: userID)
            return Response.seeOther("\(Self.path)/\(id)", .saved)
        } catch let refusal as Refusal {
            return try await show(context, typed: typed, refusal: refusal)
        }
    }

    private static func span(_ request: Request) -> HeartbeatChart.Span {
        QueryParameters(request)["span"].flatMap(HeartbeatChart.Span.init(rawValue:)) ?? .day
    }
}
