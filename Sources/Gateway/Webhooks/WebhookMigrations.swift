import Storage

/// What the accounts of the gateway mean for the endpoints of the engine.
enum WebhookMigrations {
    static let all: [Migration] = [
        // Webhooks of invited accounts from before `public_only` was there. Who owns the server is decided as in
        // `FirstRunQueries.isOwner`. The next version has every node read them again.
        Migration(
            "webhooks-1",
            [
                """
                UPDATE endpoint
                SET public_only = 1, version = version + 1
                WHERE public_only = 0 AND user_id <> COALESCE(
                    (SELECT user_id FROM server_owner WHERE id = 1),
                    (SELECT id FROM users ORDER BY created_at, id LIMIT 1))
                """
            ])
    ]
}
