import Delivery
import Gateway
import HTTPSMSWebhooks
import Storage
import Timestamps

/// The device that has a number, as the page of the number shows it.
struct DeviceCard: Sendable {
    /// What its forms begin with.
    let path: String
    let name: String
    let version: String
    let seen: String
    let pulled: String
    let opened: String
    let battery: String
    let numbers: String
    /// Whether it can be asked for what is in the phone's inbox.
    let opensStream: Bool
    /// When it was asked for that; nil for never.
    let inboxAsked: String?
    let checks: DeviceChecks
    /// Whether its connection was not set up in full yet.
    let isUnfinished: Bool

    init(_ device: Device, hasReceived: Bool, now: Timestamp) {
        func ago(_ time: Timestamp?) -> String { time.map { Elapsed.ago($0, now: now) } ?? "never" }
        path = "\(DevicePages.path)/\(device.id)"
        name = device.name
        version = device.appVersion.map { "SMSGate \($0.text)" } ?? "SMSGate, unknown version"
        seen = ago(device.lastSeenAt)
        pulled = ago(device.pulledAt)
        opened = ago(device.streamedAt)
        battery = device.battery.map { "\($0) %\(device.isCharging ?? false ? ", charging" : "")" } ?? "unknown"
        numbers = device.numbers.map { "\($0.sim.rawValue) \($0.number)" }.joined(separator: ", ")
        opensStream = device.opensStream
        inboxAsked = device.inboxAskedAt.map { Elapsed.ago($0, now: now) }
        checks = DeviceChecks(device, hasReceived: hasReceived, now: now)
        isUnfinished = checks.isOpen
    }

    /// Reads the device of `phone`; nil when it has none.
    static func read(of phone: Phone, now: Timestamp, in tx: any Transaction) throws -> DeviceCard? {
        guard let id = phone.deviceID, let device = try PhoneDeviceQueries.find(id, in: tx) else { return nil }
        return DeviceCard(device, hasReceived: try DeviceOperations.hasReceived(device, in: tx), now: now)
    }
}
