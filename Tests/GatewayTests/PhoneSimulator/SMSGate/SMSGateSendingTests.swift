import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import PhoneSimulator

/// From a pull to the reports, without a server.
@Suite(.onOneEngine) struct SMSGateSendingTests {
    @Test func aMessageGoesToTheRadioAndIsReportedWithTheStateOfThen() throws {
        var driver = SMSGateDriver.paired()
        driver.offer(SMSGateDriver.offer("m1", #","simNumber":1,"validUntil":"2026-11-25T10:20:30.000Z""#))

        #expect(driver.radio == [.init(id: "m1", to: "+18005550100", text: "Hi", sim: 1, wantsReport: true)])
        driver.pass(.seconds(3))
        driver.happen(.sent(id: "m1", error: nil))
        driver.answer("PATCH /message", nil)
        driver.answer("PATCH /message", nil)
        driver.pass(.seconds(5))
        driver.happen(.delivered(id: "m1", status: nil))
        #expect(driver.open == ["PATCH /message"])
        let body = try #require(driver.calls[0].request.body)
        #expect(
            body == """
                [{"id":"m1","state":"Delivered","recipients":[{"phoneNumber":"+18005550100","state":"Delivered"}],\
                "states":{"Pending":"2026-11-25T11:00:00.000+01:00","Processed":"2026-11-25T11:00:00.000+01:00",\
                "Sent":"2026-11-25T11:00:03.000+01:00","Delivered":"2026-11-25T11:00:08.000+01:00"}}]
                """)
        driver.answerReports()
        driver.pass(.seconds(10))
        #expect(driver.made("PATCH /message").suffix(2).allSatisfy { $0.body == body }, "the retries tell it once more")
    }

    @Test func eachNudgeReplacesTheRunningPullAndAKnownIDIsOnlyReported() {
        var driver = SMSGateDriver.paired()
        for _ in 0..<10 { driver.happen(.streamSaid(1, name: "MessageEnqueued", data: "null")) }
        #expect(driver.abandoned.count == 9 && driver.open == ["GET /message"])
        driver.answer("GET /message", 200, "[\(SMSGateDriver.offer("m1"))]")
        driver.answerReports()

        driver.offer(SMSGateDriver.offer("m1"), SMSGateDriver.offer("m1"))

        #expect(driver.radio.count == 1)
        #expect(driver.open == ["PATCH /message", "PATCH /message"])
        driver.answerReports()
        driver.happen(.kill)
        driver.endStream(1)
        driver.happen(.start)
        driver.answer("GET /message", 200, "[\(SMSGateDriver.offer("m1"))]")
        #expect(driver.radio.count == 1 && driver.open.contains("PATCH /message"))
    }

    @Test func anAnswerThatWasCutOffIsNotLookedAt() {
        var driver = SMSGateDriver.paired()
        driver.happen(.streamSaid(1, name: "MessageEnqueued", data: "null"))
        let cut = driver.calls[0].id
        driver.happen(.streamSaid(1, name: "MessageEnqueued", data: "null"))
        driver.happen(.answered(cut, SMSGateAnswer(200, "[\(SMSGateDriver.offer("m1"))]".utf8)))

        #expect(driver.radio.isEmpty)
    }

    @Test func theNewestComesFirstUntilTheOrderIsSet() {
        let offers = (1...3).map { SMSGateDriver.offer("m\($0)", #","createdAt":"2026-11-25T10:00:0\#($0).000Z""#) }
        var lifo = SMSGateDriver.paired()
        var fifo = SMSGateDriver.paired(settings: #"{"messages":{"processing_order":"FIFO"}}"#)

        lifo.offer(offers[0], offers[1], offers[2])
        fifo.offer(offers[2], offers[1], offers[0])

        #expect(lifo.radio.map(\.id) == ["m3", "m2", "m1"])
        #expect(fifo.radio.map(\.id) == ["m1", "m2", "m3"])
        #expect(fifo.made("GET /message").last?.url.hasSuffix("?order=fifo") == true)
    }

    @Test(arguments: [
        #"{"id":"m2","phoneNumbers":["+1"],"validUntil":"soon"}"#,
        #"{"id":"m2","phoneNumbers":["+1"],"simNumber":"one"}"#,
        #"{"id":"m2","textMessage":{"text":"Hi"}}"#, #"{"id":"m2","phoneNumbers":["+1"],"priority":300}"#,
    ])
    func oneBadElementSpoilsTheWholeAnswer(bad: String) {
        var driver = SMSGateDriver.paired()
        driver.offer(SMSGateDriver.offer("m1"), bad)

        #expect(driver.radio.isEmpty && driver.notes.contains(.unreadable("messages")))
        driver.pass(.seconds(10))
        driver.answer("GET /message", 200, "[\(SMSGateDriver.offer("m1"))]")
        #expect(driver.radio.count == 1)
    }

    @Test(arguments: [
        (0, "2026-11-25T10:00:01.000Z", true), (0, "2026-11-25T09:59:59.000Z", false),
        (1_200, "2026-11-25T10:19:59.000Z", false), (1_200, "2026-11-25T10:20:01.000Z", true),
        (-1_200, "2026-11-25T09:40:01.000Z", true),
        // Six digits move the limit by up to 17 minutes, here by two.
        (60, "2026-11-25T10:00:00.123456Z", true),
    ])
    func theLimitIsCheckedByThePhonesClock(error: Int, limit: String, isSent: Bool) {
        var driver = SMSGateDriver.paired { $0.clockError = .seconds(error) }
        driver.offer(SMSGateDriver.offer("m1", #","validUntil":"\#(limit)""#))

        #expect(driver.radio.isEmpty != isSent)
        #expect(driver.app.messages.known["m1"]?.error == (isSent ? nil : "TTL expired"))
    }

    @Test func failureSticksAndNothingElseDoes() throws {
        var driver = SMSGateDriver.paired()
        driver.offer(SMSGateDriver.offer("m1"), SMSGateDriver.offer("m2"))
        driver.happen(
            .sent(id: "m1", error: "RESULT_ERROR_NO_SERVICE (Failed because service is currently unavailable)"))
        driver.happen(.sent(id: "m1", error: nil))
        driver.happen(.delivered(id: "m2", status: nil))
        driver.happen(.sent(id: "m2", error: nil))

        let (failed, sent) = (driver.app.messages.known["m1"], driver.app.messages.known["m2"])
        #expect(failed?.state == .failed && failed?.error?.hasPrefix("Send result: RESULT_ERROR_NO_SERVICE") == true)
        #expect(failed?.states.map(\.state) == [.pending, .processed, .failed])
        #expect(sent?.state == .sent && sent?.states.map(\.state) == [.pending, .processed, .delivered, .sent])
    }

    @Test func whatCannotBeSentFails() {
        var driver = SMSGateDriver.paired()
        driver.offer(
            SMSGateDriver.offer("m1", #","simNumber":2"#), SMSGateDriver.offer("m2", to: "Bank"),
            SMSGateDriver.offer("m3", to: "+1 (800) 555-0100"))

        #expect(driver.app.messages.known["m1"]?.error == "Can't send message: SIM 2 not found")
        #expect(driver.app.messages.known["m2"]?.state == .failed)
        #expect(driver.radio.map(\.to) == ["+18005550100"])
    }

    @Test func onlyWhatWaitsCanBeCancelledAndOldVersionsSendIt() {
        var driver = SMSGateDriver.paired { $0.sendInterval = .seconds(10) }
        driver.offer(SMSGateDriver.offer("m1"), SMSGateDriver.offer("m2"))
        for id in ["m1", "m2", "m3"] {
            driver.happen(.streamSaid(1, name: "MessageCancelled", data: #"{"messageId":"\#(id)"}"#))
        }
        driver.pass(.seconds(30))
        #expect(driver.radio.map(\.id) == ["m1"])
        #expect(driver.app.messages.known["m2"]?.state == .cancelled && driver.app.messages.known["m3"] == nil)

        var old = SMSGateDriver.paired { $0.version = SMSGateVersion(1, 66, 2) }
        old.offer(SMSGateDriver.offer("m1").replacing("Pending", with: "Cancelling"))
        old.happen(.streamSaid(1, name: "MessageCancelled", data: #"{"messageId":"m1"}"#))
        #expect(old.radio.count == 1 && old.notes.contains(.unknownStreamEvent("MessageCancelled")))
    }

    @Test func aReportIsDroppedAfterElevenTries() {
        var driver = SMSGateDriver.paired()
        driver.offer(SMSGateDriver.offer("m1"))
        for _ in 0..<11 {
            driver.answer("PATCH /message", 404)
            driver.pass(.seconds(5_200))
            while driver.open.contains("GET /message") { driver.answer("GET /message", 200, "[]") }
        }

        #expect(driver.notes.contains(.reportDropped(id: "m1")))
        #expect(driver.made("PATCH /message").count == 11)
    }
}
