import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import PhoneSimulator

/// SMS that come in and the hooks that tell of them, without a server.
@Suite(.onOneEngine) struct SMSGateInboxTests {
    private static let time = Timestamp(rfc3339: "2026-11-25T10:04:05Z") ?? Timestamp(microseconds: 0)

    private static func sms(_ text: String = "Hi", at time: Timestamp = time, sim: Int? = 1) -> SMSGateInbox.SMS {
        SMSGateInbox.SMS(text, from: "+4915112345678", sentAt: time, sim: sim)
    }

    @Test func anSMSIsPostedWithASignatureOfEachTry() throws {
        var driver = SMSGateDriver.paired(settings: #"{"webhooks":{"signing_key":"wk_key"}}"#)
        driver.happen(.arrived(Self.sms("Is it < 5?")))
        driver.answer("POST HOOK", 410)
        driver.pass(.seconds(5))

        let tries = driver.made("POST HOOK")
        #expect(tries.count == 2 && tries[0].body == tries[1].body)
        let (body, time) = (try #require(tries[1].body), try #require(tries[1].header("X-Timestamp")))
        #expect(time == "1795600805")
        #expect(tries[1].header("X-Signature") == SMSGateApp.signature(of: body + time, key: "wk_key"))
        #expect(tries[0].header("X-Signature") != tries[1].header("X-Signature"))
        let pattern =
            #/\{"id":"[\w-]{21}","webhookId":"h1","event":"sms:received","deviceId":"device-1","payload":\{"message":"Is it \\u003c 5\?","receivedAt":"2026-11-25T11:04:05.000\+01:00","messageId":"[0-9a-f]{1,8}","sender":"\+4915112345678","simNumber":1,"phoneNumber":"\+4915112345678"\}\}/#
        #expect(body.wholeMatch(of: pattern) != nil, "\(body)")
        driver.answer("POST HOOK", 200, "{}")
        #expect(driver.app.inbox.queue.isEmpty)
    }

    @Test func whatComesWithoutAListIsLostForGood() {
        var driver = SMSGateDriver.paired(hooks: "[]")
        driver.happen(.arrived(Self.sms()))
        driver.happen(.streamSaid(1, name: "WebhooksUpdated", data: "null"))
        driver.answer("GET /webhooks", 200, SMSGateDriver.hooks)
        let range = #"{"since":"2026-11-01T00:00:00.000Z","until":"2026-11-26T00:00:00.000Z"}"#
        driver.happen(.streamSaid(1, name: "MessagesExportRequested", data: range))

        #expect(driver.made("POST HOOK").isEmpty)
        #expect(driver.notes.contains(.smsLost("the app has no webhook for it")))
    }

    @Test func someVersionsTakeASecondSMSWithTheSameTextForTheFirst() {
        func hooks(_ version: SMSGateVersion) -> Int {
            var driver = SMSGateDriver.paired { $0.version = version }
            for second in 0..<2 {
                driver.happen(.arrived(Self.sms(at: Self.time + .seconds(second))))
                if driver.open.contains("POST HOOK") { driver.answer("POST HOOK", 200) }
            }
            return driver.made("POST HOOK").count
        }

        #expect(
            [SMSGateVersion(1, 65, 1), .init(1, 65, 2), .init(1, 66, 1), .init(1, 66, 2)].map(hooks) == [2, 1, 1, 2])
    }

    @Test func beforeTheSenderHadAMemberThereWasTheNumberOnly() {
        var driver = SMSGateDriver.paired { $0.version = SMSGateVersion(1, 53, 1) }
        driver.happen(.arrived(Self.sms(sim: nil)))

        let body = driver.made("POST HOOK")[0].body ?? ""
        #expect(
            !body.contains("sender") && !body.contains("simNumber") && body.contains(#""phoneNumber":"+4915112345678""#)
        )
    }

    @Test func whatComesWhileTheAppDoesNotRunIsReadAtTheStartByNewerVersions() {
        func hooks(_ version: SMSGateVersion) -> Int {
            var driver = SMSGateDriver.paired { $0.version = version }
            driver.happen(.kill)
            driver.endStream(1)
            driver.happen(.arrived(Self.sms()))
            driver.happen(.start)
            return driver.made("POST HOOK").count
        }

        #expect([SMSGateVersion(1, 66, 0), .init(1, 66, 1)].map(hooks) == [0, 1])
    }

    @Test func hooksGoOneAfterTheOtherAndAFailedOneLater() {
        var driver = SMSGateDriver.paired()
        driver.happen(.arrived(Self.sms("one")))
        driver.happen(.arrived(Self.sms("two")))
        #expect(driver.open == ["POST HOOK"])
        driver.answer("POST HOOK", 503)
        driver.answer("POST HOOK", 200)
        driver.pass(.seconds(5))
        driver.answer("POST HOOK", 200)

        let texts = driver.made("POST HOOK").map { $0.body?.contains(#""message":"one""#) == true ? "one" : "two" }
        #expect(texts == ["one", "two", "one"])
    }

    @Test func anEventIsDeletedAfterSixteenTries() {
        var driver = SMSGateDriver.paired()
        driver.happen(.arrived(Self.sms()))
        for _ in 0..<16 {
            driver.answer("POST HOOK", nil)
            driver.pass(.seconds(81_920))
            while driver.open.contains("GET /message") { driver.answer("GET /message", 200, "[]") }
        }

        #expect(driver.made("POST HOOK").count == 16 && driver.app.inbox.queue.isEmpty)
        #expect(driver.notes.contains(.smsLost("sms:received was not taken 16 times")))
    }

    @Test func aWrongClockShowsInTheTimestamp() {
        var driver = SMSGateDriver.paired { $0.clockError = .seconds(-1_200) }
        driver.happen(.arrived(Self.sms()))

        #expect(driver.made("POST HOOK")[0].header("X-Timestamp") == "1795599600")
    }

    @Test func withoutANetworkJobsWaitAndHooksIfTheyHaveTo() {
        var driver = SMSGateDriver.paired()
        var local = SMSGateDriver.paired(settings: #"{"webhooks":{"internet_required":false}}"#)
        driver.happen(.network(false))
        local.happen(.network(false))
        driver.happen(.arrived(Self.sms()))
        local.happen(.arrived(Self.sms()))

        #expect(driver.open.isEmpty && local.open == ["POST HOOK"])
        driver.happen(.network(true))
        #expect(driver.open == ["POST HOOK"])
    }

    @Test func cleartextGoesNowhereButHome() {
        var phone = SMSGatePhone(url: SMSGateDriver.url)
        let urls = ["http://127.0.0.1:8000/x", "http://localhost:8000/x", "http://10.0.0.1/x", "https://x/"]
        #expect(urls.map { phone.mayCall($0) } == [true, false, false, true])
        phone.isInsecureVariant = true
        #expect(urls.allSatisfy { phone.mayCall($0) })
    }
}
