import Delivery
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// The plans of the queries that pacing and pushing run for every message.
struct SendingQueryPlanTests {
    private static func plans(_ body: @escaping @Sendable (Phone, any Transaction) throws -> Void) async throws
        -> [String]
    {
        try await withStore(.sqlite, migrations: GatewayStore.migrations) { store in
            try await queryPlans(of: store) { tx in
                let phone = Phone(
                    id: PhoneID(at: tx.now), userID: UserID("user"), phoneNumber: "+18005550199", at: tx.now)
                try body(phone, tx)
            }
        }
    }

    @Test func theQueueOfAPhoneIsReadByItsIndex() async throws {
        let plans = try await Self.plans { phone, tx in
            _ = try MessageQueries.places(of: phone, limit: 200, in: tx)
            _ = try MessageQueries.head(of: phone, limit: 1, in: tx)
            _ = try MessageQueries.lastPlanned(of: phone, in: tx)
            _ = try MessageQueries.lastTurn(ofLane: nil, of: phone, in: tx)
            _ = try MessageQueries.lastTurn(ofLane: "batch", of: phone, in: tx)
        }

        #expect(plans.count { $0.contains("message_queue (user_id=? AND owner=?") } == 3, "\(plans)")
        #expect(plans.count { $0.contains("message_lane (user_id=? AND owner=? AND batch=?") } == 2, "\(plans)")
        #expect(!plans.contains { $0.contains("TEMP B-TREE") }, "\(plans)")
    }

    @Test func duePushesAndSilentPhonesAreFoundByTheirIndexes() async throws {
        let plans = try await Self.plans { _, tx in
            _ = try PushQueries.usersWithDue(in: tx)
            _ = try PushQueries.due(of: UserID("user"), limit: 32, in: tx)
            _ = try PushQueries.nextDue(in: tx)
            _ = try HeartbeatQueries.toWake(limit: 200, at: tx.now, in: tx)
            _ = try HeartbeatQueries.nextWakeUp(in: tx)
        }

        #expect(plans.count { $0.contains("push_account (user_id") } == 4, "\(plans)")
        #expect(plans.contains { $0.contains("presence_wake") }, "\(plans)")
        #expect(!plans.contains { $0.hasSuffix("SCAN push") }, "\(plans)")
    }

    /// The mail of others that waits costs nobody anything.
    @Test func mailIsTakenByTheIndexOfTurns() async throws {
        let plans = try await Self.plans { _, tx in
            _ = try MailQueries.usersWithDue(in: tx)
            _ = try MailQueries.take(of: UserID("user"), in: tx)
        }

        #expect(plans.count { $0.contains("COVERING INDEX mail_turn") } == 6, "\(plans)")
        #expect(plans.contains { $0.contains("mail_turn (user_id=? AND due_at<?)") }, "\(plans)")
    }

    @Test func aHeartbeatLooksAtWhatWaitsForItsPhoneOnly() async throws {
        let plans = try await Self.plans { phone, tx in try PushQueries.repeatOutstanding(of: phone, in: tx) }

        #expect(plans.contains { $0.contains("message_scheduled (user_id=? AND owner=?)") }, "\(plans)")
        #expect(plans.contains { $0.contains("push_attempt (message_id=? AND attempt=?)") }, "\(plans)")
    }

    @Test func listsAndTheUsualSearchReadInTheOrderOfTheirIndexes() async throws {
        let plans = try await Self.plans { phone, tx in
            let page = try Self.page("")
            let search = try MessageSearch(QueryParameters(query: ""))
            _ = try MessageQueries.list(
                userID: phone.userID, owner: phone.phoneNumber, contact: "12345", page: page, in: tx)
            _ = try MessageQueries.find(search, userID: phone.userID, in: tx)
            _ = try MessageThreadQueries.list(
                userID: phone.userID, owner: phone.phoneNumber, isArchived: false, page: page, in: tx)
            _ = try MessageThreadQueries.inbox(
                of: phone.userID, owner: nil, isArchived: false, page: page, in: tx)
            _ = try MessageThreadQueries.inbox(
                of: phone.userID, owner: phone.phoneNumber, isArchived: false, page: page, in: tx)
            _ = try MessageQueries.planned(of: phone.userID, owner: nil, page: page, in: tx)
            _ = try MessageQueries.plannedCount(of: phone.userID, in: tx)
            _ = try BulkMessageQueries.latest(userID: phone.userID, in: tx)
        }

        for index in [
            "message_conversation (user_id=? AND owner=? AND contact=?)", "message_recent (user_id=?)",
            "message_thread_order (user_id=? AND owner=? AND is_archived=?)", "bulk_message_user (user_id=?)",
            "message_batch (user_id=? AND batch=?)", "message_planned_for (user_id=?",
            "message_thread_recent (user_id=? AND is_archived=? AND <expr>>?)",
        ] {
            #expect(plans.contains { $0.contains(index) }, "\(index) \(plans)")
        }
        #expect(!plans.contains { $0.contains("TEMP B-TREE") || $0.hasSuffix("SCAN message") }, "\(plans)")
    }

    /// However many messages an account has, those with a contact are a few steps in the order of one index.
    @Test func theNewestMessagesWithAContactAreReadInOrder() async throws {
        let plans = try await Self.plans { phone, tx in
            try PhoneQueries.save(phone, in: tx)
            _ = try MessageQueries.ids(with: "12345", userID: phone.userID, in: tx)
        }

        let index = "USING COVERING INDEX message_conversation (user_id=? AND owner=? AND contact=?)"
        #expect(plans.contains { $0.contains(index) }, "\(plans)")
        #expect(!plans.contains { $0.contains("TEMP B-TREE") || $0.hasPrefix("SCAN ") }, "\(plans)")
    }

    @Test func messagesOfAContactAreToldApartByTheirKeys() async throws {
        let plans = try await Self.plans { phone, tx in
            _ = try MessageQueries.among(["a", "b"], with: "12345", userID: phone.userID, in: tx)
        }

        #expect(plans == ["SEARCH message USING INDEX sqlite_autoindex_message_1 (id=?)"])
    }

    @Test func aThreadIsFollowedByItsParties() async throws {
        let plans = try await Self.plans { phone, tx in
            let message = Message(
                outgoing: MessageID(at: tx.now), from: phone, to: "12345", content: "Hi", requestID: nil, source: "/",
                at: tx.now)
            try MessageThreadQueries.follow(message, isNew: true, in: tx)
            try MessageThreadQueries.forget(message, in: tx)
        }

        #expect(!plans.contains { $0.contains("TEMP B-TREE") || $0.hasPrefix("SCAN ") }, "\(plans)")
    }

    @Test func aThreadIsDeletedByItsIndexes() async throws {
        let plans = try await Self.plans { phone, tx in
            let message = Message(
                outgoing: MessageID(at: tx.now), from: phone, to: "12345", content: "Hi", requestID: nil, source: "/",
                at: tx.now)
            try MessageQueries.insert(message, in: tx)
            let thread = try #require(
                try MessageThreadQueries.find(
                    owner: phone.phoneNumber, contact: "12345", userID: phone.userID, in: tx))
            #expect(try ThreadErasureQueries.begin(thread.id, userID: phone.userID, in: tx))
            _ = try ThreadErasureQueries.step(in: tx)
        }

        for index in [
            "COVERING INDEX message_conversation (user_id=? AND owner=? AND contact=?)", "thread_erasure_due",
            "SEARCH message USING INDEX message_conversation (user_id=? AND owner=? AND contact=?)",
        ] {
            #expect(plans.contains { $0.contains(index) }, "\(index) \(plans)")
        }
        #expect(!plans.contains { $0.contains("TEMP B-TREE") || $0.hasSuffix("SCAN message") }, "\(plans)")
    }

    private static func page(_ query: String) throws -> Page {
        var errors = FieldErrors()
        return Page(QueryParameters(query: query), limit: 20, errors: &errors)
    }
}
