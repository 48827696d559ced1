import Foundation
import Storage
import Timestamps

@testable import Gateway

extension FuzzTarget {
    /// What other servers' histories are made of.
    static let imports: [FuzzTarget] = [
        FuzzTarget(
            "imported-message",
            words: [
                "\"id\":\"32343a19-da5e-4b1b-a767-3298a73703cb\"", "\"owner\":\"+18005550199\"", "\"contact\":",
                "\"content\":", "\"type\":\"mobile-terminated\"", "\"status\":\"pending\"", "\"attachments\":[",
                "\"send_time\":", "\"order_timestamp\":", "\"9999-12-31T00:00:00Z\"", "1e308", "\\u0000", "\\n", "null",
            ]
        ) { bytes in
            // What is no object is told of where it is read.
            guard let message = try? JSONDecoder().decode(OldMessage.self, from: Data(bytes)) else { return }
            let now = Timestamp(seconds: 1_800_000_000)
            guard case .over(let kept) = message.history(of: UserID("user"), at: now) else { return }
            try hold(kept.orderTimestamp <= now, "it is sorted behind what comes")
            try hold(![.pending, .scheduled, .sending].contains(kept.status), "somebody would send it")
            try hold(kept.plannedAt == nil && kept.expiresAt == nil, "it is due")
            try hold(kept.content.utf8.count <= InboundOperations.SMS.longestContent, "its text is too long")
            try hold(kept.texts.allSatisfy { !$0.utf8.contains(0) }, "a text holds a NUL")
            try hold(kept.attachments.allSatisfy { !$0.isEmpty && !$0.contains("\n") }, "an address has two lines")
            try hold(kept.sendTime ?? .zero >= .zero, "it was sent before it was asked for")
        }
    ]
}
