import NIOHTTP1
import PhoneSimulator
import Synchronization
import TestSupport
import Testing

extension PhoneAppTests {
    /// kill -9 of the server at each step that a message takes, in either direction.
    @Suite struct DeviceCrash {
        /// What the app is about to do, or has just done, when the server is killed.
        enum Step: CaseIterable {
            case fetches, fetched, hasItOnTheRadio, reportsFirst, reportedProcessed, reportedSent, reportedDelivered
            case posts, posted

            func isTaken(by effect: SMSGateApp.Effect) -> Bool {
                switch (self, effect) {
                case (.fetches, .call(_, let call)): call.method == "GET" && call.url.contains("/message")
                case (.fetched, .note(.pulled(let count))): count > 0
                case (.hasItOnTheRadio, .radio): true
                case (.reportsFirst, .call(_, let call)): call.method == "PATCH" && call.url.contains("/message")
                case (.reportedProcessed, .note(.reported(_, .processed))): true
                case (.reportedSent, .note(.reported(_, .sent))): true
                case (.reportedDelivered, .note(.reported(_, .delivered))): true
                case (.posts, .call(_, let call)): call.url.contains("/inbound/")
                case (.posted, .note(.passedOn("sms:received"))): true
                default: false
                }
            }
        }

        /// Kills a server when a step is taken for which it was set.
        private final class Trap: Sendable {
            private let installation: Installation
            private let step = Mutex<Step?>(nil)

            init(_ installation: Installation) { self.installation = installation }

            var isSet: Bool { step.withLock { $0 != nil } }

            func set(_ next: Step?) { step.withLock { $0 = next } }

            /// The server is gone before the effect is carried out.
            func see(_ effect: SMSGateApp.Effect) {
                let isTaken = step.withLock { step in
                    guard step?.isTaken(by: effect) == true else { return false }
                    step = nil
                    return true
                }
                if isTaken { installation.server?.killNow() }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func atEachStepAServerThatIsKilledLosesAndDoublesNothing() async throws {
            try await DeviceBench.run { bench in
                let trap = Trap(bench.installation)
                var behaviour = DeviceBench.quick
                // Reports are put together when they cannot keep up.
                behaviour.latency = .milliseconds(200)
                behaviour.observe = { trap.see($0) }
                try await bench.paired(behaviour: behaviour) { phone in
                    var ids: [String] = []
                    var kills = 0
                    for step in Step.allCases {
                        trap.set(step)
                        // The server may be gone before it has answered; then its client asks again, under the same key.
                        ids.append(try await send("\(step)", bench, phone, trap))
                        let time = phone.clock.now()
                        phone.shell.happen(.arrived(.init("\(step)", from: DeviceBench.contact, sentAt: time)))
                        let id = try #require(ids.last)
                        try await until("the server is killed when the app \(step); it said \(phone.notes)") {
                            // Both ways are behind it: this step was skipped.
                            let isOver =
                                phone.notes.contains(.reported(id: id, state: .delivered))
                                && phone.notes.count { $0 == .passedOn(event: "sms:received") } == ids.count
                            return !trap.isSet || isOver
                        }
                        if !trap.isSet {
                            kills += 1
                            try await revive(bench)
                        }
                        trap.set(nil)
                        try await until("message \(id) is delivered; the phone said \(phone.notes)") {
                            phone.clock.advance(by: .seconds(1))
                            return try await bench.status(id) == "delivered"
                        }
                    }
                    try await until("all SMS came") {
                        phone.clock.advance(by: .seconds(1))
                        return Set(received(bench)).count == Step.allCases.count
                    }

                    // Of those reports one may be skipped on a busy machine.
                    #expect(kills >= Step.allCases.count - 2)
                    #expect(phone.radio.map(\.id).sorted() == ids.sorted())
                    let stored = try await bench.client.messages(with: DeviceBench.contact)
                    #expect(stored.count == 2 * Step.allCases.count)
                }
            }
        }

        private func send(
            _ content: String, _ bench: DeviceBench, _ phone: AppPhone, _ trap: Trap
        ) async throws -> String {
            let draft: JSONValue = [
                "from": .text(DeviceBench.number), "to": .text(DeviceBench.contact), "content": .text(content),
            ]
            return try await eventually("the message is taken") {
                if bench.installation.server?.end != nil {
                    try await revive(bench)
                    phone.clock.advance(by: .seconds(10))
                }
                let answer = try? await Client.send(
                    .POST, bench.installation.baseURL + "/v1/messages/send", draft,
                    headers: [("Idempotency-Key", content)])  // Killed: asked again.
                return answer?.status == 200 ? answer?.data["id"].text : nil
            }
        }

        private func revive(_ bench: DeviceBench) async throws {
            try await bench.installation.stop(.sigkill)
            try await bench.installation.serve()
        }

        private func received(_ bench: DeviceBench) -> [String] {
            bench.receiver.arrivals.filter { $0.type == "message.phone.received" }.map {
                $0.event["data"]["content"].text ?? ""
            }
        }
    }
}
