import Storage
import TestSupport
import Testing
import Timestamps
import Wire

@testable import Gateway

/// What becomes of alerts at a look.
@Suite(.onOneEngine) struct AlertChangeTests {
    private static let now = Timestamp(seconds: 1_800_000_000)
    private static let condition = AlertCondition(
        cause: .phoneOffline, subject: "+1", title: "offline", advice: "Look.")

    private static func alert(told: Bool = true, clearedFor: Duration? = nil) -> Alert {
        Alert(
            id: AlertID(trusted: "01a20aac-088a-75bb-9b22-758fe355b0a8"), condition: condition,
            openedAt: now - .seconds(600),
            toldAt: told ? now - .seconds(600) : nil, clearedAt: clearedFor.map { now - $0 })
    }

    private static let minute: Duration = .seconds(60)

    @Test(
        arguments: [
            // Nothing is known.
            ([], false, false, []), ([], true, false, [.open(condition, isTold: true)]),
            ([], true, true, [.open(condition, isTold: false)]),
            // It goes on.
            ([alert()], true, false, []), ([alert(told: false)], true, true, []),
            ([alert(told: false)], true, false, [.tell(alert(told: false))]),
            // It stops, comes back, and is over.
            ([alert()], false, false, [.clear(alert())]),
            ([alert(clearedFor: minute)], false, false, []),
            ([alert(clearedFor: minute)], true, false, [.recur(alert(clearedFor: minute))]),
            ([alert(clearedFor: minute * 15)], false, false, [.end(alert(clearedFor: minute * 15), isTold: true)]),
            // Its end waits for the morning, unless nobody knew of it.
            ([alert(clearedFor: minute * 15)], false, true, []),
            (
                [alert(told: false, clearedFor: minute * 15)], false, true,
                [.end(alert(told: false, clearedFor: minute * 15), isTold: false)]
            ),
            // A clock that was set back ends nothing.
            ([alert(clearedFor: .seconds(-600))], false, false, []),
        ] as [([Alert], Bool, Bool, [AlertChange])])
    func aLookDecides(known: [Alert], isSo: Bool, isQuiet: Bool, changes: [AlertChange]) {
        #expect(
            AlertChange.all(known: known, found: isSo ? [Self.condition] : [], at: Self.now, isQuiet: isQuiet)
                == changes)
    }

    @Test func oneCauseIsOneAlertAndThereAreAHundredAtMost() {
        let many = (0..<1_000).map {
            AlertCondition(cause: .webhookFailing, subject: "\($0 % 500)", title: "\($0)", advice: "")
        }

        #expect(AlertChange.all(known: [], found: many, at: Self.now, isQuiet: false).count == AlertChange.most)
    }

    @Test(
        arguments: [
            (nil, nil, 12, false), (22 * 60, 7 * 60, 23, true), (22 * 60, 7 * 60, 6, true), (22 * 60, 7 * 60, 7, false),
            (22 * 60, 7 * 60, 12, false), (9 * 60, 17 * 60, 9, true), (9 * 60, 17 * 60, 17, false), (60, 60, 1, false),
            (22 * 60, nil, 23, false),
        ] as [(Int?, Int?, Int64, Bool)])
    func quietHoursAreInTheZoneOfTheAccount(from: Int?, until: Int?, hour: Int64, isQuiet: Bool) {
        let settings = AlertSettings(quietFrom: from, quietUntil: until)
        // 2027-01-15 is in winter: Berlin is an hour ahead of UTC.
        let midnight = Timestamp(rfc3339: "2027-01-15T00:00:00Z") ?? .first

        #expect(settings.isQuiet(at: midnight + .seconds(hour * 3_600), timezone: "UTC") == isQuiet)
        #expect(settings.isQuiet(at: midnight + .seconds((hour - 1) * 3_600), timezone: "Europe/Berlin") == isQuiet)
        #expect(settings.isQuiet(at: midnight + .seconds(hour * 3_600), timezone: "nonsense") == isQuiet)
        _ = (settings.isQuiet(at: .first, timezone: "UTC"), settings.isQuiet(at: .last, timezone: "Pacific/Auckland"))
    }

    @Test(arguments: [
        ("00:00", 0), ("23:59", 1_439), ("24:00", nil), ("7:00", nil), ("07:60", nil), ("+7:00", nil), ("", nil),
    ])
    func aTimeOfDayIsRead(text: String, minutes: Int?) {
        #expect(ClockTime.minutes(text) == minutes)
    }
}
