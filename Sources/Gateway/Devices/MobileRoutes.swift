import Delivery
import HTTPSMSWebhooks
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import Secrets
import Storage
import Timestamps
import Wire

/// The API that the SMSGate app calls, under `/api/mobile/v1` and `/mobile/v1`. It is the app's own, so its members and answers
/// are as the app has them, and no part of the API for users.
///
/// These routes know devices by their tokens only: no key of a user or of an httpSMS phone opens them, nor the other way
/// about.
struct MobileRoutes: Sendable {
    let store: any Store
    let devices: DeviceOperations
    let messages: DeviceMessageOperations
    let life: DeviceLife
    let lists: DeviceLists
    let inbound: DeviceInboundRoutes
    let events: DeviceEvents

    private static let alias = "/mobile/v1"

    /// Whether a path is one of these.
    static func isMobile(_ path: String) -> Bool {
        let path = path.lowercased()
        return [Device.path, alias].contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    func add(to router: Router<APIContext>) {
        for prefix in [Device.path, Self.alias] {
            let group = router.group(RouterPath(prefix)).add(middleware: ErrorMiddleware())
                .add(middleware: MobileErrorMiddleware())
                .add(middleware: LoopMiddleware(isEverywhere: true))
            group.post("device", use: register)
            group.get("device", use: address)
            group.patch("device", use: update)
            for path in ["message", "messages"] as [RouterPath] {
                group.get(path, use: pull)
                group.patch(path, use: report)
            }
            group.get("webhooks", use: webhooks)
            group.get("settings", use: settings)
            group.get("events", use: stream)
            group.get("user/code", use: code)
            group.patch("user/password", use: password)
            group.post("inbound/:token", use: inbound.receive)
        }
    }

    // MARK: Registration

    /// What a phone says of itself; members are matched in lower case.
    private struct PhoneRequest: Decodable {
        let id: ToldText?
        let name: ToldText?
        let pushToken: ToldText?
        let simCards: ToldList<SIMCard>?

        private enum CodingKeys: String, CodingKey {
            case id, name
            case pushToken = "pushtoken"
            case simCards = "simcards"
        }

        func told(_ request: Request) -> PhoneDeviceQueries.Told {
            PhoneDeviceQueries.Told(
                appVersion: AppVersion(userAgent: request.headers[.userAgent]),
                simCards: simCards.map { SIMCard.list($0.elements.compactMap(\.self)) },
                usesFirebase: !(pushToken?.text ?? "").isEmpty)
        }
    }

    private func register(_ request: Request, _ context: APIContext) async throws -> Response {
        let header = (request.headers[.authorization] ?? "").split(separator: " ", maxSplits: 1).map(\.trimmed)
        let credential: DeviceOperations.Credential? =
            switch header.first?.lowercased() {
            case "code" where header.count == 2:
                .code(header[1], network: context.origin.clientNetwork)
            case "bearer" where header.count == 2: .privateToken(header[1].lowercased())
            default: nil
            }
        guard let credential else {
            throw Refusal(.unauthenticated, "Use the code or the private token that the dashboard shows.")
        }
        let body: PhoneRequest = try await read(request, context)
        let registered = try await devices.register(
            credential, name: (body.name?.text ?? "").firstScalars(60), told: body.told(request))
        return Response.mobile(.created) { o in
            o.field("id", registered.id.text)
            o.field("token", registered.token)
            o.field("login", registered.login)
        }
    }

    private func address(_ request: Request, _ context: APIContext) async throws -> Response {
        if request.headers[.authorization] != nil { _ = try await device(request) }
        return Response.mobile(.ok) { o in o.field("externalIp", context.client) }
    }

    private func update(_ request: Request, _ context: APIContext) async throws -> Response {
        let device = try await device(request)
        let body: PhoneRequest = try await read(request, context)
        guard let id = body.id?.text, DeviceID(id) == device.id else {
            throw Refusal(.forbidden, "This token belongs to another device.")
        }
        try await note(DeviceLife.Sign(told: body.told(request)), of: device, request)
        return .noContent
    }

    private func code(_ request: Request, _ context: APIContext) async throws -> Response {
        throw Refusal(.notOffered, "Get the code in the dashboard.")
    }

    private func password(_ request: Request, _ context: APIContext) async throws -> Response {
        throw Refusal(.forbidden, "The password of the account is changed in the dashboard.")
    }

    // MARK: Messages

    private func pull(_ request: Request, _ context: APIContext) async throws -> Response {
        let device = try await device(request)
        try await note(DeviceLife.Sign(), of: device, request)
        guard let (current, offers) = try await messages.pull(device.id, userID: device.userID) else {
            throw Self.unknownToken
        }
        let isLast = QueryParameters(request)["order"]?.lowercased() == "lifo"
        let list = (isLast ? offers.reversed() : offers).map { DeviceMessage($0, to: current) }
        return Response.mobile(list.encodedJSON())
    }

    private func report(_ request: Request, _ context: APIContext) async throws -> Response {
        let device = try await device(request)
        let body: ToldList<DeviceReport> = try await read(request, context)
        try await note(DeviceLife.Sign(), of: device, request)
        try await messages.report(body.elements.compactMap(\.self), by: device)
        return .noContent
    }

    // MARK: Lists

    private func webhooks(_ request: Request, _ context: APIContext) async throws -> Response {
        let device = try await device(request)
        try await note(DeviceLife.Sign(), of: device, request)
        let version = AppVersion(userAgent: request.headers[.userAgent])
        let list = try lists.webhooks(of: device, version: version, origin: context.origin)
        try await store.write(.user(device.userID)) { tx in
            try PhoneDeviceQueries.note(.fetchedWebhooks, of: device.id, in: tx)
        }
        return Response.mobile(list)
    }

    private func settings(_ request: Request, _ context: APIContext) async throws -> Response {
        let device = try await device(request)
        try await note(DeviceLife.Sign(), of: device, request)
        let version = AppVersion(userAgent: request.headers[.userAgent])
        let settings = try lists.settings(of: device, version: version)
        try await store.write(.user(device.userID)) { tx in
            try PhoneDeviceQueries.note(.fetchedSettings, of: device.id, in: tx)
        }
        return Response.mobile(settings)
    }

    private func stream(_ request: Request, _ context: APIContext) async throws -> Response {
        if request.headers[.authorization] == nil, QueryParameters(request)["probe"] != nil {
            return try events.probe()
        }
        // The app reads its token once, when it starts to stream.
        let device = try await device(request, byOlderToken: true)
        try await note(DeviceLife.Sign(), of: device, request)
        return try await events.open(request, of: device, on: context.channel)
    }

    // MARK: Who calls

    /// The device that makes a request.
    ///
    /// - Throws: ``Refusal`` `.unauthenticated` for any token but its newest, or the three before it where `byOlderToken`
    ///   lets them in.
    private func device(_ request: Request, byOlderToken: Bool = false) async throws -> Device {
        guard let token = AuthenticationMiddleware.bearerToken(request), token.utf8.count <= 512 else {
            throw Self.unknownToken
        }
        let hash = SHA256Digest.bytes(token)
        let found = try await store.read(.request) { tx in try PhoneDeviceQueries.find(tokenHash: hash, in: tx) }
        guard let (device, isNewest) = found, isNewest || byOlderToken else { throw Self.unknownToken }
        return device
    }

    private static let unknownToken = Refusal(
        .unauthenticated, "This device is not connected any more. Connect it again in the dashboard.")

    private func note(_ sign: DeviceLife.Sign, of device: Device, _ request: Request) async throws {
        var sign = sign
        sign.told.appVersion = AppVersion(userAgent: request.headers[.userAgent])
        try await life.note(sign, of: device)
    }

    private func read<Value: Decodable & Sendable>(_ request: Request, _ context: APIContext) async throws -> Value {
        let buffer = try await request.body.collect(upTo: RequestBody.usualLimit)
        return try Request.decodedLeniently(buffer, freeText: "error", besides: [])
    }
}

/// A SIM card as a phone tells it; numbers are masked.
struct SIMCard: Decodable, Sendable {
    let simNumber: ToldText?
    let phoneNumber: ToldText?
    let carrierName: ToldText?

    private enum CodingKeys: String, CodingKey {
        case simNumber = "simnumber"
        case phoneNumber = "phonenumber"
        case carrierName = "carriername"
    }

    /// The first eight as JSON, and how many there are.
    static func list(_ cards: [SIMCard]) -> (json: String, count: Int) {
        var json = JSONWriter()
        json.array(of: cards.prefix(8)) { json, card in
            json.object { o in
                o.field("sim_number", card.simNumber?.text.flatMap { Int($0) })
                o.field("phone_number", card.phoneNumber?.text?.firstScalars(64))
                o.field("carrier_name", card.carrierName?.text?.firstScalars(64))
            }
        }
        return (String(decoding: json.bytes, as: UTF8.self), cards.count)
    }
}

/// Says what is wrong in one short sentence: the app shows it to its user as it is.
struct MobileErrorMiddleware: RouterMiddleware {
    typealias Context = APIContext

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let refusal as Refusal {
            return Response.mobile(refusal.status) { o in o.field("message", refusal.message) }
        }
    }
}

extension Response {
    /// An object as the app reads it.
    static func mobile(_ status: HTTPResponse.Status, _ body: (inout JSONObjectWriter) -> Void) -> Response {
        var json = JSONWriter()
        json.object(body)
        return mobile(json.bytes, status: status)
    }

    /// JSON for the app.
    static func mobile(_ json: [UInt8], status: HTTPResponse.Status = .ok) -> Response {
        Answer(status: status, body: json).response
    }
}
