import Delivery
import Logging
import Storage

/// How people sign in: passwords, second factors, sessions, browsers that are known,
/// invitations, and the teams of accounts.
struct AccessFeature: Feature {
    static let migrations =
        IdentityEpochQueries.migrations + SessionMigrations.all + InvitationMigrations.all
        + SecondFactorMigrations.all
        + TeamMigrations.all
    static let sealed = [SecondFactorQueries.sealed]
    let logger: Logger
    /// What links that are handed out begin with.
    let appURL: @Sendable () -> String

    var pruners: [Upkeep.Pruner] {
        [
            { try SessionQueries.prune(in: $1) },
            { try KnownBrowserQueries.prune(in: $1) },
            { try AccessQueries.prune(in: $1) },
            { try InvitationQueries.prune(in: $1) },
            { try TeamQueries.prune(in: $1) },
            { try FirstRun.renew(in: $1, appURL: appURL, logger: logger) },
        ]
    }
}
