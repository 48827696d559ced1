import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Timestamps
import Wire

extension PhoneCheck {
    /// Whether what the server writes comes at once. Asked without a token, `/events?probe` is four comments, a third of a second
    /// apart; a proxy that collects them hands them over together.
    func streaming() async -> Finding {
        var request = HTTPClientRequest(url: address.api + "/events?probe")
        request.headers.add(name: "User-Agent", value: Self.userAgent)
        request.headers.add(name: "Accept", value: "text/event-stream")
        // As the app's library asks.
        request.headers.add(name: "Accept-Encoding", value: "gzip")
        do {
            let response = try await http.execute(request, timeout: Self.patience)
            guard response.status == .ok else {
                return .problem(
                    "stream", "it is answered \(response.status.code): update httpsms, or see what the proxy refuses")
            }
            if let encoding = response.headers.first(name: "Content-Encoding"), encoding != "identity" {
                return .problem(
                    "stream", "the proxy compresses it (\(encoding)): switch compression off for text/event-stream")
            }
            var arrivals: [ContinuousClock.Instant] = []
            var bytes = 0
            for try await part in response.body {
                arrivals.append(.now)
                bytes = bytes.clampedAdding(part.readableBytes)
                guard bytes <= 1 << 16 else { break }
            }
            return Self.judge(arrivals)
        } catch {
            return .problem(
                "stream",
                "it breaks off (\(error)): have the proxy keep connections open that are silent for 15 s and more")
        }
    }

    static func judge(_ arrivals: [ContinuousClock.Instant]) -> Finding {
        guard let first = arrivals.first, let last = arrivals.last, last - first >= .milliseconds(500) else {
            return .problem(
                "stream",
                "something holds it back until it ends: switch the buffering of answers off for it (X-Accel-Buffering: no is "
                    + "sent along)")
        }
        return .fine("stream", "what the server writes comes at once")
    }
}
