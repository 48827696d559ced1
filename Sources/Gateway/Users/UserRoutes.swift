import Delivery
import Hummingbird

/// `/v1/users` (contract 4.10).
struct UserRoutes {
    let operations: UserOperations

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/users/me") { _, context in
            Reply("user fetched successfully", try await operations.user(context.userID))
        }
        group.delete("/v1/users/:userID/api-keys") { _, context in
            guard context.parameters.get("userID") == context.userID.text else { throw APIError.foreignUser }
            return Reply("API Key rotated successfully", try await operations.rotateAPIKey(of: context.userID))
        }
    }
}
