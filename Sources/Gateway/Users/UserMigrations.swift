import Storage

/// The table is called `users`, in the plural unlike the others, as `user` is a word of SQL.
enum UserMigrations {
    static let all: [Migration] = [
        Migration(
            "users-1",
            [
                """
                CREATE TABLE users (
                    id \(.text) PRIMARY KEY,
                    email \(.text) NOT NULL,
                    api_key_hash \(.blob) NOT NULL,
                    api_key \(.blob) NOT NULL,
                    timezone \(.text) NOT NULL,
                    active_phone_id \(.text),
                    notification_message_status_enabled \(.int64) NOT NULL,
                    notification_webhook_enabled \(.int64) NOT NULL,
                    notification_heartbeat_enabled \(.int64) NOT NULL,
                    notification_newsletter_enabled \(.int64) NOT NULL,
                    created_at \(.int64) NOT NULL,
                    updated_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE UNIQUE INDEX users_email ON users (email)",
                "CREATE UNIQUE INDEX users_api_key ON users (api_key_hash)",
            ])
    ]
}
