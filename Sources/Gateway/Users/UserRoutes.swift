import Delivery
import Foundation
import Hummingbird
import Storage
import Wire

/// `/v1/users`.
struct UserRoutes {
    let operations: UserOperations

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/users/me") { _, context in
            let user = try await operations.user(context.userID)
            if case .key = context.identity { return Reply("user fetched successfully", user.withoutKey()) }
            return Reply("user fetched successfully", user)
        }
        group.put("/v1/users/me", use: update)
        group.delete("/v1/users/me") { _, context in
            try await operations.delete(context.userID)
            return Response.noContent
        }
        group.put("/v1/users/:userID/notifications", use: setNotifications)
        group.delete("/v1/users/:userID/api-keys") { _, context in
            guard context.parameters.get("userID") == context.userID.text else { throw Refusal.foreignUser }
            return Reply("API Key rotated successfully", try await operations.rotateAPIKey(of: context.userID))
        }
    }

    /// What is absent stays.
    private struct UpdateRequest: Decodable, Sendable {
        let timezone: Patch<String>
        let activePhoneID: Patch<String>

        private enum Member: CodingKey {
            case timezone, activePhoneID
        }

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: Member.self)
            timezone = try members.patch(forKey: .timezone)
            activePhoneID = try members.patch(forKey: .activePhoneID)
        }
    }

    private func update(_ request: Request, _ context: UserContext) async throws -> Reply {
        let message = "validation errors while updating user"
        let body = try await request.decode(UpdateRequest.self, in: context)
        var errors = FieldErrors()
        let timezone = body.timezone.value?.trimmed
        if let timezone, TimeZone(identifier: timezone) == nil {
            errors.add("timezone", "The timezone must be a valid IANA timezone e.g Europe/London.")
        }
        let text = (body.activePhoneID.value ?? "").trimmed
        let phoneID = text.isEmpty ? nil : errors.requireID("active_phone_id", text, of: PhoneID.self)
        try errors.check(message)
        let user = try await operations.change(context.userID) { user, tx in
            user.timezone = timezone ?? user.timezone
            if !body.activePhoneID.isAbsent { user.activePhoneID = phoneID }
            if let phoneID, try PhoneQueries.find(phoneID, userID: context.userID, in: tx) == nil {
                var errors = FieldErrors()
                errors.add(
                    "active_phone_id",
                    "The active_phone_id does not belong to the authenticated user or does not exist")
                try errors.check(message)
            }
        }
        return Reply("user updated successfully", user)
    }

    private struct NotificationsRequest: Decodable {
        let messageStatusEnabled: Bool?
        let webhookEnabled: Bool?
        let heartbeatEnabled: Bool?
        let newsletterEnabled: Bool?
    }

    private func setNotifications(_ request: Request, _ context: UserContext) async throws -> Reply {
        guard context.parameters.get("userID") == context.userID.text else { throw Refusal.foreignUser }
        let body = try await request.decode(NotificationsRequest.self, in: context)
        let user = try await operations.change(context.userID) { user, _ in
            user.notificationMessageStatusEnabled = body.messageStatusEnabled ?? user.notificationMessageStatusEnabled
            user.notificationWebhookEnabled = body.webhookEnabled ?? user.notificationWebhookEnabled
            user.notificationHeartbeatEnabled = body.heartbeatEnabled ?? user.notificationHeartbeatEnabled
            user.notificationNewsletterEnabled = body.newsletterEnabled ?? user.notificationNewsletterEnabled
        }
        return Reply("user notification settings updated successfully", user)
    }
}
