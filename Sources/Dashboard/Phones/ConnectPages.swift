import Delivery
import Gateway
import HTTPSMSWebhooks
import Hummingbird
import Storage
import Timestamps
import Wire

/// `GET /connect?token=...`: leads somebody who holds the phone through connecting it with the SMSGate app, and says how far that
/// has come.
///
/// The private token of the pairing opens it: the phone's browser is not signed in. Whoever has the token could register with it,
/// so that the page shows nothing that it does not give.
struct ConnectPages: Sendable {
    let devices: DeviceOperations
    /// What URLs that we hand out begin with, given what a trusted proxy says.
    let appURL: @Sendable (_ told: String?) -> String
    let views: PageViews

    func add(to group: RouterGroup<PageContext>) {
        group.get("/connect") { request, context in
            try await show(QueryParameters(request)["token"] ?? "", request, context)
        }
    }

    private struct Content {
        /// Nil when the token is unknown, or its time is over.
        let phone: Phone?
        let isSignedIn: Bool
    }

    private struct Phone {
        let numbers: [Number]
        let url: String
        let isSecure: Bool
        /// Nil once the phone has registered: it works once.
        let code: String?
        let privateToken: String
        let expiresAt: String?
        let checks: DeviceChecks
        /// For whoever is signed in at another screen.
        let link: Link?
        let releases = "https://github.com/capcom6/android-sms-gateway/releases"
    }

    private struct Link {
        let url: String
        let qrCode: QRCode?
    }

    private struct Number {
        let sim: String
        let number: String
        /// Nil for whoever is not signed in.
        let path: String?
        let sendPath: String?
    }

    private func show(_ token: String, _ request: Request, _ context: PageContext) async throws -> Response {
        let token = token.trimmed.lowercased()
        let progress = token.utf8.count > 200 ? nil : try await devices.progress(of: token)
        guard let progress else {
            return views.page(
                .connect, "Connect the phone", Content(phone: nil, isSignedIn: context.session != nil), context,
                status: .notFound)
        }
        let base = appURL(context.origin.baseURL)
        let url = base + Device.path
        let page = base + FreshPairing.pagePath(token)
        func content(
            _ owner: UserID, _ numbers: [Number], code: String?, expiresAt: Timestamp?, _ checks: DeviceChecks
        ) -> Content {
            let isOwn = context.session?.userID == owner
            return Content(
                phone: Phone(
                    numbers: numbers, url: url, isSecure: url.hasPrefix("https://"), code: code, privateToken: token,
                    expiresAt: expiresAt.map(PageTime.shown), checks: checks,
                    link: isOwn && code != nil ? Link(url: page, qrCode: QRCode(page)) : nil),
                isSignedIn: isOwn)
        }
        let shown: Content
        switch progress {
        case .waiting(let pairing):
            let numbers = pairing.numbers.map {
                Number(sim: $0.sim.rawValue, number: $0.phoneNumber, path: nil, sendPath: nil)
            }
            shown = content(
                pairing.userID, numbers, code: DeviceSecrets.code(of: token), expiresAt: pairing.expiresAt, .waiting)
        case .registered(let device, let hasReceived):
            let isOwn = context.session?.userID == device.userID
            let numbers = device.numbers.map { number in
                Number(
                    sim: number.sim.rawValue, number: number.number,
                    path: isOwn ? "\(PhonePages.path)/\(number.phoneID)" : nil,
                    sendPath: isOwn ? PageLink.to("/messages/new", ["from": number.number]) : nil)
            }
            shown = content(
                device.userID, numbers, code: nil, expiresAt: nil,
                DeviceChecks(device, hasReceived: hasReceived, now: devices.clock.now()))
        }
        return views.page(.connect, "Connect the phone", shown, context)
    }
}
