import Delivery
import HTTPSMSWebhooks
import JSON
import Storage

/// What a device fetches once a day: where it posts what happens to it, and its settings.
struct DeviceLists: Sendable {
    let queries: PhoneDeviceQueries
    /// What URLs that we hand out begin with, given what a trusted proxy says.
    let appURL: @Sendable (_ told: String?) -> String

    /// What the app may post to us.
    enum Event: String, CaseIterable, Sendable {
        case received = "sms:received"
        case ping = "system:ping"
        case mmsReceived = "mms:received"
        case mmsDownloaded = "mms:downloaded"
        case started = "app:started"
        /// Of modems; the app hears of no calls, and is never asked for them.
        case missedCall = "call:missed"

        /// Stays with the event: a new id shows the phone's owner a notice.
        fileprivate var number: Int {
            switch self {
            case .received: 1
            case .ping: 2
            case .mmsReceived: 3
            case .mmsDownloaded: 4
            case .started: 5
            case .missedCall: 6
            }
        }
    }

    /// What an app of this version is asked for. A name that it does not know would make it refuse the whole list, for good,
    /// and with an empty list it would drop each SMS; so there is always the first, and a version that is not known gets
    /// what all that are in use know.
    static func events(for version: AppVersion?) -> [Event] {
        guard let version else { return [.received, .ping] }
        if version < .ping { return [.received] }
        var events: [Event] = [.received, .ping]
        if version >= .mmsDownloaded {
            events.append(.mmsDownloaded)
        } else if version >= .mmsReceived {
            events.append(.mmsReceived)
        }
        if version >= .started { events.append(.started) }
        return events
    }

    /// `GET /webhooks`, as JSON.
    func webhooks(of device: Device, version: AppVersion?, origin: RequestOrigin) throws -> [UInt8] {
        let url = "\(appURL(origin.baseURL))\(Device.path)/inbound/\(try queries.inboundToken(of: device))"
        var json = JSONWriter()
        json.array(of: Self.events(for: version)) { json, event in
            json.object { o in
                o.field("id", "\(device.id)-\(event.number)")
                o.field("url", url)
                o.field("event", event.rawValue)
            }
        }
        return json.bytes
    }

    /// `GET /settings`, as JSON. A value that the app does not know makes it leave out the rest, so each comes with the version
    /// that knows it. What it sends how fast is paced here and left to its owner there.
    func settings(of device: Device, version: AppVersion?) throws -> [UInt8] {
        let key = try queries.signingKey(of: device)
        var json = JSONWriter()
        json.object { o in
            if let version, version >= .channel {
                o.object("gateway") { o in o.field("notification_channel", "SSE_ONLY") }
            }
            if let version, version >= .order {
                o.object("messages") { o in o.field("processing_order", "FIFO") }
            }
            // 15 minutes, as the httpSMS app beats.
            o.object("ping") { o in o.field("interval_seconds", 900) }
            o.object("webhooks") { o in
                o.field("signing_key", key)
                o.field("internet_required", false)
            }
        }
        return json.bytes
    }
}
