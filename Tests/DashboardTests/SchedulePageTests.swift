import TestSupport
import Testing

@testable import Gateway

/// The send schedules, over HTTP.
@Suite(.timeLimit(.minutes(15))) struct SchedulePageTests {
    private static let new = "/phones/schedules/new"

    /// A form with these windows, day, start and end, and an empty row for each day.
    private static func form(
        _ name: String, _ windows: [(Int, String, String)], timezone: String = "Europe/Berlin"
    ) -> [(String, String)] {
        let rows = windows + (0...6).map { ($0, "", "") }
        return [("name", name), ("timezone", timezone)]
            + rows.flatMap { [("start-\($0.0)", $0.1), ("end-\($0.0)", $0.2)] }
    }

    private static func schedule(of account: Account) async throws -> JSON {
        try await account.client.get("/v1/send-schedules").data.array.first ?? .absent
    }

    @Test func aScheduleIsMadeChangedAndDeleted() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            let phone = try await account.makePhone()

            let made = try await page.submit(
                Self.new, on: Self.new,
                Self.form("Days", [(1, "13:00", "17:30"), (1, "09:00", "12:00"), (0, "22:00", "00:00")]))
            let first = try await Self.schedule(of: account)
            let path = "/phones/schedules/\(first["id"].string)"
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": "+18005550199", "message_send_schedule_id": first["id"]])
            let list = try await page.get("/phones/schedules").text
            let form = try await page.get(path).text
            let used = try await page.get("/phones/\(phone.id)").text
            _ = try await page.submit(path, on: path, Self.form("Sundays", [(0, "00:00", "00:00")], timezone: "UTC"))
            let second = try await Self.schedule(of: account)
            let deleted = try await page.submit("\(path)/delete", on: path, [])

            #expect(made.status == 303 && made.header("Location") == "/phones/schedules")
            #expect(first["name"] == "Days" && first["timezone"] == "Europe/Berlin")
            #expect(
                first["windows"] == [
                    ["day_of_week": 0, "start_minute": 1_320, "end_minute": 1_440],
                    ["day_of_week": 1, "start_minute": 540, "end_minute": 720],
                    ["day_of_week": 1, "start_minute": 780, "end_minute": 1_050],
                ])
            #expect(list.contains("09:00 to 12:00, 13:00 to 17:30") && list.contains("22:00 to 24:00"))
            #expect(list.contains("<rect class=\"good\" x=\"1320\" y=\"0\" width=\"120\" height=\"10\"/>"))
            #expect(list.contains("Europe/Berlin. +18005550199"))
            #expect(
                form.contains("name=\"start-0\" value=\"22:00\"") && form.contains("name=\"end-0\" value=\"00:00\""))
            #expect(form.contains("<option value=\"Europe/Berlin\" selected>"))
            #expect(used.contains("<option value=\"\(first["id"].string)\" selected>Days</option>"))
            #expect(second["name"] == "Sundays" && second["timezone"] == "UTC")
            #expect(second["windows"] == [["day_of_week": 0, "start_minute": 0, "end_minute": 1_440]])
            #expect(deleted.header("Location") == "/phones/schedules")
            #expect(try await account.client.get("/v1/phones").data.array[0]["message_send_schedule_id"] == .null)
            #expect(try await page.get(path).status == 404)
        }
    }

    @Test func whatIsWrongStandsAtItsDayAndNothingIsLost() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()

            let answer = try await page.submit(
                Self.new, on: Self.new,
                Self.form(
                    "a", [(2, "10:00", "12:00"), (2, "11:00", "13:00"), (3, "15:00", "15:00"), (4, "soon", "")],
                    timezone: "Mars/\"><script>"))
            let empty = try await page.submit(Self.new, on: Self.new, Self.form("Nothing", []))

            func day(_ name: String, _ answer: APIClient.Answer) throws -> Substring {
                let parts = answer.text.split(separator: "<fieldset>\n<legend>")
                return try #require(parts.first { $0.hasPrefix("\(name)</legend>") })
            }
            #expect(answer.status == 422 && empty.status == 422)
            #expect(answer.text.contains("<span class=\"wrong\">Use 2 characters at least.</span>"))
            #expect(answer.text.contains("<span class=\"wrong\">Choose a time zone of the list."))
            #expect(answer.text.contains("<option value=\"Mars/&quot;&gt;&lt;script&gt;\" selected>"))
            #expect(try day("Tuesday", answer).contains("<p class=\"wrong\">Tuesday contains overlapping windows.</p>"))
            #expect(try day("Tuesday", answer).contains("value=\"11:00\""))
            #expect(
                try day("Wednesday", answer).contains(
                    "<p class=\"wrong\">Wednesday: A window cannot end when it begins.</p>"))
            #expect(try day("Thursday", answer).contains("A window has a begin and an end, such as 09:00 and 17:00"))
            #expect(try !day("Friday", answer).contains("wrong"))
            #expect(empty.text.contains("<span class=\"wrong\">At least one active window is required.</span>"))
            #expect(try await account.client.get("/v1/send-schedules").data.array == [])
        }
    }

    @Test func aRowIsAddedByTheFormItself() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            let typed = Self.form("Typed", [(1, "09:00", "12:00"), (2, "09:00", "12:00")])

            let answer = try await page.submit(Self.new, on: Self.new, typed + [("add", "1")])
            let full = try await page.submit(
                Self.new, on: Self.new,
                Self.form("Full", (0..<5).map { (1, "0\($0):00", "0\($0):30") }) + [("add", "1")])

            #expect(answer.status == 200)
            #expect(answer.text.matches(of: /name="start-1"/).count == 2)
            #expect(answer.text.matches(of: /name="start-2"/).count == 1)
            #expect(answer.text.contains("name=\"start-1\" value=\"\" autofocus"))
            #expect(answer.text.contains("value=\"Typed\""))
            #expect(full.text.matches(of: /name="start-1"/).count == 6 && !full.text.contains("window to Monday"))
            #expect(try await account.client.get("/v1/send-schedules").data.array == [])
        }
    }

    @Test func anotherAccountsSchedulesAreNotThereAndFormsFromElsewhereAreRefused() async throws {
        try await withServer { server in
            let (own, owner) = try await server.signedIn()
            let stranger = try await server.signedIn().page
            _ = try await own.submit(
                Self.new, on: Self.new, Self.form("<script>alert(1)</script>", [(1, "09:00", "12:00")]))
            let schedule = try await Self.schedule(of: owner)
            let path = "/phones/schedules/\(schedule["id"].string)"
            let change = Self.form("Other", [(1, "10:00", "11:00")])

            #expect(try await stranger.get(path).status == 404)
            #expect(try await stranger.get("/phones/schedules/x").status == 404)
            #expect(try await stranger.submit(path, on: "/account", change).status == 404)
            #expect(try await stranger.submit(path, on: "/account", change + [("add", "1")]).status == 404)
            #expect(try await stranger.submit("\(path)/delete", on: "/account", []).status == 404)
            for path in [Self.new, path, "\(path)/delete"] {
                let answer = try await own.post(path, change, headers: [("Sec-Fetch-Site", "same-origin")])
                #expect(answer.status == 403, "\(path)")
            }
            for path in ["/phones/schedules", path, "/phones"] {
                #expect(try await !own.get(path).text.contains("<script>alert"), "\(path)")
            }
            #expect(try await own.get("/phones/schedules").text.contains("&lt;script&gt;alert(1)"))
            #expect(try await owner.client.get("/v1/send-schedules").data.array == [schedule])
        }
    }
}
