import HTTPSMSWebhooks
import Storage
import Timestamps

@testable import Delivery

/// What stands behind a callback URL, its name server included.
enum SimulatedReceiver: CaseIterable {
    case healthy
    case slow
    case tarpit
    case dead
    case silentName
    case flapping
    case limited
    case gone
    case refusing

    /// What a request gets, and after how long.
    func answer(_ random: inout SplitMix64, recent: Int) -> (AttemptOutcome, Duration) {
        switch self {
        case .healthy: return (.response(statusCode: 200), random.duration(0.005...0.4))
        case .slow: return (.response(statusCode: 200), random.duration(1...4.5))
        case .tarpit: return (.failure(AttemptFailure(.timeout)), .seconds(5))
        case .dead: return (.failure(AttemptFailure(.connectFailed)), random.duration(0.001...0.1))
        case .silentName: return (.failure(AttemptFailure(.dnsTimeout)), .milliseconds(1))
        case .flapping:
            return (.response(statusCode: random.chance(0.5) ? 200 : 503), random.duration(0.005...0.4))
        case .limited: return (.response(statusCode: recent > 3 ? 429 : 200), random.duration(0.005...0.1))
        case .gone: return (.response(statusCode: 410), random.duration(0.005...0.1))
        case .refusing: return (.response(statusCode: 404), random.duration(0.005...0.1))
        }
    }
}

/// One request as its receiver saw it.
struct SimulatedRequest {
    let delivery: DeliveryID
    let event: EventID
    let endpoint: EndpointID
    /// The process that sent it, by machine and incarnation.
    let sender: String
    let machine: Int
    let attempt: Int
    /// True times.
    let start: Duration
    let end: Duration
    let outcome: AttemptOutcome
    let body: [UInt8]

    var isTaken: Bool { outcome == .response(statusCode: 200) }
}
