import TestSupport
import Testing
import Timestamps

/// `/v1/send-schedules`, and what a schedule does to the messages of its phones.
@Suite(.timeLimit(.minutes(15))) struct SendScheduleTests {
    private static let number = "+18005550199"

    private static func window(_ day: Int, _ start: Int, _ end: Int) -> JSON {
        ["day_of_week": .int(day), "start_minute": .int(start), "end_minute": .int(end)]
    }

    private static let body: JSON = [
        "name": " Office ", "timezone": "Europe/Berlin", "windows": [window(5, 540, 1_020), window(1, 600, 660)],
    ]

    @Test func aScheduleIsMadeReadChangedAndDeleted() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let made = try await account.client.post("/v1/send-schedules", Self.body)
            #expect(made.status == 201)
            #expect(made.message == "send schedule created successfully")
            let id = made.data["id"].string
            let expected: JSON = [
                "id": .string(id), "user_id": .string(account.id), "name": "Office", "timezone": "Europe/Berlin",
                "windows": [Self.window(1, 600, 660), Self.window(5, 540, 1_020)],
                "created_at": made.data["created_at"], "updated_at": made.data["created_at"],
            ]
            #expect(made.data == expected)
            let list = try await account.client.get("/v1/send-schedules")
            #expect(list.message == "send schedules fetched successfully")
            #expect(list.data == [made.data])

            let changed = try await account.client.put(
                "/v1/send-schedules/\(id)", Self.body.with(["name": "Other", "windows": [Self.window(0, 0, 1_440)]]))
            #expect(changed.status == 200)
            #expect(changed.message == "send schedule updated successfully")
            #expect(changed.data["name"] == "Other")
            #expect(changed.data["windows"] == [Self.window(0, 0, 1_440)])

            #expect(try await account.client.send("DELETE", "/v1/send-schedules/\(id)").status == 204)
            #expect(try await account.client.get("/v1/send-schedules").data == [])
        }
    }

    @Test func whatIsNotThereOrAnothersIsNotFound() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            let id = try await other.client.post("/v1/send-schedules", Self.body).data["id"].string
            for path in ["/v1/send-schedules/\(id)", "/v1/send-schedules/01985e2a-9b10-7d52-a6f7-4c8e1b3d5f60"] {
                let answers = [
                    try await account.client.put(path, Self.body), try await account.client.send("DELETE", path),
                ]
                #expect(answers.map(\.status) == [404, 404])
            }
            #expect(try await account.client.put("/v1/send-schedules/x", Self.body).status == 400)
            #expect(try await account.client.send("DELETE", "/v1/send-schedules/x").status == 400)
            let phone: JSON = ["phone_number": .string(Self.number), "message_send_schedule_id": .string(id)]
            let answer = try await account.client.put("/v1/phones", phone)
            #expect(answer.status == 422)
            #expect(
                answer.data["message_send_schedule_id"] == [
                    "The message_send_schedule_id does not belong to the authenticated user or does not exist"
                ])
        }
    }

    @Test func everyRuleSaysWhatItWants() async throws {
        let seven = (0..<7).map { Self.window(4, $0 * 10, $0 * 10 + 10) }
        let table: [(change: [String: JSON], field: String, errors: [String])] = [
            (["name": ""], "name", ["The name field is required", "The name field must be minimum 2 char"]),
            (["name": "x"], "name", ["The name field must be minimum 2 char"]),
            (
                ["name": .string(String(repeating: "x", count: 101))], "name",
                ["The name field must be maximum 100 char"]
            ),
            (
                ["timezone": "Mars/Olympus"], "timezone",
                ["The timezone must be a valid IANA timezone e.g Europe/London."]
            ),
            (["windows": []], "windows", ["at least one active window is required"]),
            (
                ["windows": [Self.window(7, 0, 60)]], "windows",
                ["windows[0].day_of_week must be between 0 and 6"]
            ),
            (
                ["windows": [Self.window(0, -1, 60)]], "windows",
                ["windows[0].start_minute must be between 0 and 1439"]
            ),
            (
                ["windows": [Self.window(0, 60, 1_441)]], "windows",
                ["windows[0].end_minute must be between 1 and 1440"]
            ),
            (
                ["windows": [Self.window(2, 0, 60), Self.window(0, 60, 60)]], "windows",
                [
                    """
                    windows[0].end_minute must be greater than start_minute, or less than it for a window that ends on \
                    the next day
                    """
                ]
            ),
            (
                ["windows": [Self.window(2, 30, 90), Self.window(2, 0, 60)]], "windows",
                ["day_of_week 2 contains overlapping windows"]
            ),
            (
                ["windows": [Self.window(2, 1_320, 360), Self.window(3, 359, 600)]], "windows",
                ["day_of_week 3 contains overlapping windows"]
            ),
            (
                ["windows": [Self.window(6, 1_320, 360), Self.window(0, 0, 60)]], "windows",
                ["day_of_week 0 contains overlapping windows"]
            ),
            (
                ["windows": [Self.window(2, 600, 599), Self.window(2, 1_320, 360)]], "windows",
                ["day_of_week 2 contains overlapping windows"]
            ),
            (
                ["windows": [Self.window(Int.max, Int.max, Int.min)]], "windows",
                [
                    "windows[0].day_of_week must be between 0 and 6",
                    "windows[0].start_minute must be between 0 and 1439",
                    "windows[0].end_minute must be between 1 and 1440",
                ]
            ),
            (
                ["windows": JSON.array(seven)], "windows",
                ["day_of_week 4 cannot have more than 6 windows"]
            ),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            for row in table {
                let answer = try await account.client.post("/v1/send-schedules", Self.body.with(row.change))

                #expect(answer.status == 422, "\(row.change)")
                #expect(answer.message == "validation errors while saving send schedule")
                #expect(answer.data[row.field] == JSON.array(row.errors.map(JSON.string)), "\(answer)")
            }
        }
    }

    @Test(
        arguments: [
            [(5, 1_320, 360)], [(6, 1_320, 360), (0, 360, 420)], [(0, 1, 1_440), (6, 1_439, 1)],
            (0...6).map { ($0, 1_320, 360) }, [(3, 600, 599)],
        ] as [[(Int, Int, Int)]]) func aWindowMayGoOverMidnight(windows: [(Int, Int, Int)]) async throws
    {
        try await withServer { server in
            let account = try await server.makeAccount()
            let json = JSON.array(windows.map { Self.window($0.0, $0.1, $0.2) })

            let answer = try await account.client.post("/v1/send-schedules", Self.body.with(["windows": json]))

            #expect(answer.status == 201, "\(answer)")
            #expect(Set(answer.data["windows"].array) == Set(json.array))
            #expect(try await account.client.get("/v1/send-schedules").data[0]["windows"] == answer.data["windows"])
        }
    }

    /// A schedule that is open on one day of the week only: the one after tomorrow, from 09:00 to 10:00 UTC.
    private static func dayAfterTomorrow(_ server: TestServer) -> (schedule: JSON, opens: Timestamp) {
        let day: Int64 = 86_400_000_000
        let midnight = (server.clock.now().microseconds / day + 2) * day
        // 1970-01-01 was a Thursday.
        let weekday = Int((midnight / day + 4) % 7)
        let schedule = body.with(["timezone": "UTC", "windows": [window(weekday, 540, 600)]])
        return (schedule, Timestamp(microseconds: midnight + 9 * 3_600_000_000))
    }

    @Test func messagesWaitForTheWindowAndThePlanFollowsTheSchedule() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let (schedule, opens) = Self.dayAfterTomorrow(server)
            let id = try await account.client.post("/v1/send-schedules", schedule).data["id"].string
            let phone: JSON = ["phone_number": .string(Self.number), "message_send_schedule_id": .string(id)]
            #expect(try await account.client.put("/v1/phones", phone).data["message_send_schedule_id"].string == id)

            let first = try await account.send()
            let second = try await account.send()
            #expect(first["scheduled_at"].string == opens.rfc3339)
            #expect(second["scheduled_at"].string == (opens + .seconds(6)).rfc3339)
            #expect(try await account.message(first["id"].string)["status"] == "pending")

            // An hour later on the same day.
            let later = schedule["windows"].array[0].with(["start_minute": 600, "end_minute": 660])
            _ = try await account.client.put("/v1/send-schedules/\(id)", schedule.with(["windows": [later]]))
            let moved = try await account.message(first["id"].string)
            #expect(moved["scheduled_at"].string == (opens + .seconds(3_600)).rfc3339)

            #expect(try await account.client.send("DELETE", "/v1/send-schedules/\(id)").status == 204)
            _ = try await eventually("the message is handed out") {
                try await account.message(first["id"].string)["status"] == "scheduled" ? true : nil
            }
            #expect(try await account.client.get("/v1/phones").data.array[0]["message_send_schedule_id"] == .null)
        }
    }

    @Test func aMessageIsHandedOutWhenTheWindowOpens() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let (schedule, opens) = Self.dayAfterTomorrow(server)
            let id = try await account.client.post("/v1/send-schedules", schedule).data["id"].string
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": .string(Self.number), "message_send_schedule_id": .string(id)])
            let message = try await account.send()["id"].string
            let exact = try await account.send(["send_at": .string(server.clock.now().rfc3339)])["id"].string
            _ = try await eventually("the message with a time of its own is handed out") {
                try await account.message(exact)["status"] == "scheduled" ? true : nil
            }

            server.advance(by: opens - server.clock.now() - .seconds(100))
            #expect(try await account.message(message)["status"] == "pending")
            server.advance(by: .seconds(101))

            _ = try await eventually("the message is handed out") {
                try await account.message(message)["status"] == "scheduled" ? true : nil
            }
        }
    }
}
