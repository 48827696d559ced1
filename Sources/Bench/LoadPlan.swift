import Foundation
import HTTPSMSWebhooks

/// What the load generator is to do.
package struct LoadPlan: Sendable, Codable {
    /// An account whose phone reports SMS.
    package struct Account: Sendable, Codable {
        /// What it authenticates with.
        package var apiKey: String
        /// The number of its phone.
        package var owner: String
    }

    /// What is posted.
    package enum Route: String, Sendable, Codable {
        /// SMS that phones report.
        case receive
        /// SMS that are to be sent.
        case send

        /// Its path.
        package var path: String { "/v1/messages/\(rawValue)" }
    }

    /// What is posted.
    package var route = Route.receive
    /// The ports on 127.0.0.1 that are loaded; connections go to them in turn.
    package var ports: [Int]
    /// Which take turns: the SMS of serial number n is of the account n modulo their count.
    package var accounts: [Account]
    /// Requests that are under way at the same time at most.
    package var connections: Int
    /// Requests a second, whether or not answers come (open loop); nil sends the next one when one is answered.
    package var rate: Double?
    /// For how long requests are started.
    package var seconds: Double
}

/// What the load generator did.
package struct LoadResult: Sendable, Codable {
    /// Requests sent; their serial numbers are 0 to `sent - 1`.
    package var sent: Int
    /// Requests answered with a 2xx.
    package var accepted: Int
    /// From the first request to the last answer.
    package var seconds: Double
    /// The serial numbers that were not answered with a 2xx: whether they were stored is not known.
    package var unaccepted: [Int]
}
