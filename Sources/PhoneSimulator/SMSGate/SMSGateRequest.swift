import Timestamps

/// A call of the app's, before it is made.
package struct SMSGateRequest: Hashable, Sendable {
    /// `GET`, `POST` or `PATCH`.
    package let method: String
    /// All of it.
    package let url: String
    /// In order.
    package let headers: [Header]
    /// JSON; nil when there is none.
    package let body: String?
    /// How long the server may be silent.
    package let silence: Duration
    /// How long all of it may take; nil for the silence alone.
    package let total: Duration?

    /// A header.
    package struct Header: Hashable, Sendable {
        /// As the app writes it.
        package let name: String
        /// Text.
        package let value: String
    }

    /// The value of a header, by its name as the app writes it.
    package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// What a server answered.
package struct SMSGateAnswer: Hashable, Sendable {
    /// Of HTTP.
    package let status: Int
    /// May be empty.
    package let body: [UInt8]

    /// An answer.
    package init(_ status: Int, _ body: some Sequence<UInt8> = []) {
        self.status = status
        self.body = Array(body)
    }

    /// The only thing that the app asks of a status (gw/GatewayApi.kt:45).
    var isSuccess: Bool { (200..<300).contains(status) }

    /// For the toast.
    var text: String { String(decoding: body, as: UTF8.self) }
}

extension SMSGateApp {
    var userAgent: String { "me.capcom.smsgateway/\(phone.version)" }

    /// A call to the server's API.
    func request(
        _ method: String, _ path: String, authorization: String?, _ body: GsonValue? = nil
    ) -> SMSGateRequest {
        var headers = [SMSGateRequest.Header(name: "User-Agent", value: userAgent)]
        if let authorization { headers.append(.init(name: "Authorization", value: authorization)) }
        headers.append(.init(name: "Accept", value: "application/json"))
        if body != nil { headers.append(.init(name: "Content-Type", value: "application/json")) }
        return SMSGateRequest(
            method: method, url: phone.url + path, headers: headers, body: body?.json, silence: .seconds(10), total: nil
        )
    }

    /// The stream comes with OkHttp's own User-Agent.
    func streamRequest(token: String) -> SMSGateRequest {
        SMSGateRequest(
            method: "GET", url: phone.url + "/events",
            headers: [
                .init(name: "User-Agent", value: "okhttp/4.10.0"),
                .init(name: "Authorization", value: "Bearer \(token)"),
                .init(name: "Accept", value: "text/event-stream"),
            ],
            body: nil, silence: .seconds(3_600), total: nil)
    }

    /// `POST /device` (gw/GatewayApi.kt:142-146).
    func registerRequest(authorization: String?, pushToken: String?) -> SMSGateRequest {
        let body = GsonValue.members([
            "name": .text(phone.name), "pushToken": pushToken.map { .text($0) },
            "simCards": maskedCards,
        ])
        return request("POST", "/device", authorization: authorization, body)
    }

    /// `PATCH /device` (gw/GatewayApi.kt:155-159).
    func updateRequest(_ registration: Registration, pushToken: String?) -> SMSGateRequest {
        let body = GsonValue.members([
            "id": .text(registration.id), "pushToken": pushToken.map { .text($0) },
            "simCards": maskedCards,
        ])
        return request("PATCH", "/device", authorization: "Bearer \(registration.token)", body)
    }

    /// The SIM cards of a registration, where all but the last four characters are hidden (GatewayService.kt:351-360).
    private var maskedCards: GsonValue? { phone.version.tellsSIMs ? simCards(Self.redacted) : nil }

    /// The SIM cards, with numbers and carriers as `shown` makes them.
    func simCards(_ shown: (String) -> String) -> GsonValue {
        .array(
            phone.sims.map { sim in
                .members([
                    "slotIndex": .number(Int64(sim.number - 1)), "simNumber": .number(Int64(sim.number)),
                    "phoneNumber": sim.phoneNumber.map { .text(shown($0)) },
                    "carrierName": sim.carrier.map { .text(shown($0)) },
                ])
            })
    }

    private static func redacted(_ text: String) -> String {
        text.count > 4 ? String(repeating: "*", count: text.count - 4) + text.suffix(4) : "****"
    }

    /// `PATCH /message` with what the message is *now* (SendStateWorker.kt).
    func reportRequest(_ message: SMSGateMessages.Message, token: String) -> SMSGateRequest {
        let state = GsonValue.text(message.state.rawValue)
        let recipient = GsonValue.members([
            "phoneNumber": .text(message.to), "state": state, "error": message.error.map { .text($0) },
        ])
        let states = message.states.map { seen in
            GsonValue.Member(name: seen.state.rawValue, value: .text(phone.time.text(seen.time)))
        }
        let report = GsonValue.members([
            "id": .text(message.id), "state": state, "recipients": .array([recipient]), "states": .object(states),
        ])
        return request("PATCH", "/message", authorization: "Bearer \(token)", .array([report]))
    }
}
