import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import PhoneSimulator

/// Registration, lists and streams of the SMSGate app, without a server.
@Suite(.onOneEngine) struct SMSGatePairingTests {
    @Test func aCodeIsAllDigitsAndOpensOneStream() throws {
        var driver = SMSGateDriver {
            $0.sims = [.init(1, phoneNumber: "+4915187654321", carrier: "Vodafone"), .init(2)]
        }
        driver.happen(.enterCode("1234-5678"))

        let request = try #require(driver.made.first)
        #expect(request.header("Authorization") == "Code 12345678")
        #expect(request.header("User-Agent") == "me.capcom.smsgateway/1.68.0")
        #expect(
            request.body == """
                {"name":"samsung/a52qnsxx","simCards":[{"slotIndex":0,"simNumber":1,"phoneNumber":"**********4321",\
                "carrierName":"****fone"},{"slotIndex":1,"simNumber":2}]}
                """)
        driver.answer("POST /device", 201, SMSGateDriver.registration)
        #expect(driver.open == ["PATCH /device", "GET /message", "GET /webhooks", "GET /settings"])
        #expect(driver.streams.isEmpty)
        driver.answer("PATCH /device", 204)
        #expect(driver.streams.count == 1)
        driver.happen(.streamOpened(driver.streams[0]))
        #expect(driver.abandoned.count == 1, "the first pull is cut off by that of the stream")
        #expect(driver.open == ["GET /webhooks", "GET /settings", "GET /message"])
    }

    @Test(arguments: [401, 404, 429, 500, 302])
    func aCodeThatIsRefusedLeavesNothing(status: Int) {
        var driver = SMSGateDriver()
        driver.happen(.enterCode("12345678"))
        driver.answer("POST /device", status, "This code has expired.")

        #expect(driver.notes == [.registrationFailed("This code has expired.")])
        #expect(driver.app.registration == nil && driver.app.nextDue == nil)
        driver.happen(.enterCode("87654321"))
        #expect(driver.open == ["POST /device"])
    }

    @Test func aPhoneThatIsRegisteredHasNoTabForACode() {
        var driver = SMSGateDriver.paired()
        driver.happen(.enterCode("12345678"))

        #expect(driver.made("POST /device").count == 1)
    }

    @Test func withThePrivateTokenTheListsAreSkippedForADay() {
        var driver = SMSGateDriver { $0.privateToken = "pt_secret" }
        driver.happen(.start)

        #expect(driver.open == ["POST /device"])
        #expect(driver.made[0].header("Authorization") == "Bearer pt_secret")
        driver.answer("POST /device", 201, SMSGateDriver.registration)
        driver.happen(.streamOpened(driver.streams[0]))
        driver.answer("GET /message", 200, "[]")
        driver.pass(.seconds(86_000))
        #expect(driver.made("GET /webhooks").isEmpty && driver.made("GET /settings").isEmpty)
        driver.pass(.seconds(500))
        #expect(driver.open.contains("GET /webhooks") && driver.open.contains("GET /settings"))
    }

    @Test func aRefusedPrivateTokenEndsTheApp() {
        var driver = SMSGateDriver { $0.privateToken = "pt_secret" }
        driver.happen(.start)
        driver.answer("POST /device", 401, "No.")

        #expect(driver.notes == [.registrationFailed("No."), .crashed])
        #expect(!driver.app.isRunning)
        driver.happen(.start)
        #expect(driver.open == ["POST /device"])
    }

    @Test func a401ToTheUpdateRegistersAgainAndTheStreamKeepsTheOldToken() {
        var driver = SMSGateDriver.paired { $0.privateToken = "pt_secret" }
        driver.happen(.registerAgain)
        driver.answer("PATCH /device", 401)
        driver.answer("POST /device", 201, #"{"id":"device-1","token":"dv_new","login":"anna@example.com"}"#)

        #expect(driver.opened == 2 && driver.app.liveStreams == 2)
        #expect(driver.app.streams?.token == "dv_token")
        driver.happen(.streamSaid(1, name: nil, data: "null"))
        #expect(driver.calls.last?.request.header("Authorization") == "Bearer dv_new")
    }

    @Test func an5xxToTheUpdateKeepsTheStreamShutUntilTheRetry() {
        var driver = SMSGateDriver.paired()
        driver.happen(.kill)
        driver.endStream(1)
        driver.happen(.start)
        driver.answer("PATCH /device", 503)

        #expect(driver.app.liveStreams == 0)
        driver.pass(.seconds(10))
        driver.answer("PATCH /device", 204)
        #expect(driver.app.liveStreams == 1)
        #expect(driver.streams == [2], "numbers are used once")
    }

    @Test func withGoogleServicesAndAutoThereIsNoStream() {
        var driver = SMSGateDriver.paired { $0.isStreamOnly = false }

        #expect(driver.opened == 0)
        #expect(driver.made("PATCH /device")[0].body?.contains(#""pushToken":"fcm-1""#) == true)
        driver.pass(.seconds(900))
        #expect(driver.open.contains("GET /message"), "it polls")
        var without = SMSGateDriver.paired {
            $0.isStreamOnly = false
            $0.hasGoogleServices = false
        }
        #expect(without.opened == 1)
        without.happen(.kill)
        #expect(without.app.liveStreams == 0)
    }

    /// With two streams open, a server that ends the older one for the newer one ends both, forever.
    @Test func aServerThatKeepsOnlyTheNewestStreamNeverHasOneForLong() {
        func streamsAfterTenMinutes(keepsAll: Bool) -> (opened: Int, live: Int) {
            var driver = SMSGateDriver.paired()
            driver.happen(.registerAgain)
            driver.answer("PATCH /device", 204)
            var accepted: Set<Int> = [1]
            for _ in 0..<600 {
                for number in driver.streams where !accepted.contains(number) {
                    accepted.insert(number)
                    driver.happen(.streamOpened(number))
                    for older in driver.streams where !keepsAll && older < number { driver.endStream(older) }
                }
                driver.pass(.seconds(1))
            }
            return (driver.opened, driver.app.liveStreams)
        }

        #expect(streamsAfterTenMinutes(keepsAll: true) == (2, 2))
        #expect(streamsAfterTenMinutes(keepsAll: false).opened > 100)
    }

    @Test func aStreamThatEndsComesBackFasterFirst() {
        var driver = SMSGateDriver.paired()
        var waits: [Int64] = []
        for _ in 0..<12 {
            driver.endStream(driver.streams[0])
            let before = driver.opened
            var seconds: Int64 = 0
            while driver.opened == before, seconds < 100 {
                driver.pass(.seconds(1))
                seconds += 1
            }
            waits.append(seconds)
        }

        #expect(waits == [5, 5, 5, 5, 5, 30, 30, 30, 30, 30, 60, 60])
    }

    @Test func anUnknownEventSpoilsTheListOfWebhooksForEver() {
        let list =
            #"[{"id":"h1","url":"https://x/in","event":"sms:received"},{"id":"h2","url":"https://x/in","event":"app:started"}]"#
        let newest = SMSGateDriver.paired(hooks: list)
        var old = SMSGateDriver.paired(hooks: list) { $0.version = SMSGateVersion(1, 65, 0) }

        #expect(newest.app.webhooks.count == 2)
        #expect(old.app.webhooks.isEmpty && old.notes.contains(.unreadable("webhooks")))
        old.pass(.seconds(10))
        #expect(old.open.contains("GET /webhooks"))
        old.answer("GET /webhooks", 200, SMSGateDriver.hooks)
        #expect(old.app.webhooks.count == 1)
    }

    @Test func settingsAreTakenUntilOneIsUnacceptable() {
        let driver = SMSGateDriver.paired(
            settings: """
                {"gateway":{"notification_channel":"SSE_ONLY"},"messages":{"processing_order":"FIFO"},\
                "ping":{"interval_seconds":900},"webhooks":{"signing_key":"wk_key","internet_required":false},"new":{"x":1}}
                """)
        let spoilt = SMSGateDriver.paired(
            settings: #"{"messages":{"limit_period":"Per30Minutes"},"webhooks":{"signing_key":"wk_key"}}"#
        ) { $0.version = SMSGateVersion(1, 66, 2) }

        #expect(driver.app.settings.order == .fifo && driver.app.settings.signingKey == "wk_key")
        #expect(driver.app.settings.pingInterval == .seconds(900) && !driver.app.settings.internetRequired)
        #expect(driver.notes.contains(.settingsChanged))
        #expect(spoilt.notes.contains(.unreadable("settings")) && spoilt.app.settings.signingKey.count == 8)
    }

    @Test func pingsBeginAtTheNextStartAndPull() throws {
        let hooks = #"[{"id":"h2","url":"https://sms.example.com/in","event":"system:ping"}]"#
        var driver = SMSGateDriver.paired(hooks: hooks, settings: #"{"ping":{"interval_seconds":300}}"#)
        driver.pass(.seconds(400))
        #expect(driver.made("POST HOOK").isEmpty)

        driver.happen(.kill)
        driver.happen(.start)
        driver.pass(.seconds(300))

        let body = try #require(driver.made("POST HOOK").first?.body)
        #expect(body.contains(#""battery:level":{"status":"pass","observedValue":87"#))
        #expect(driver.open.contains("GET /message"))
    }

    @Test func oldVersionsHaveNoStreamAndNoOrder() {
        let driver = SMSGateDriver.paired { $0.version = SMSGateVersion(1, 42, 0) }

        #expect(driver.opened == 0)
        #expect(driver.made("GET /message")[0].url.hasSuffix("/message"))
        #expect(driver.made("POST /device")[0].body == #"{"name":"samsung/a52qnsxx"}"#)
    }
}
