import Delivery
import Secrets
import Storage

/// Reads and writes second factors. Secrets are encrypted; of recovery codes there are digests only.
struct SecondFactorQueries: Sendable {
    let keyring: Keyring

    /// What somebody has; nil when the password is enough.
    static func find(of userID: UserID, in tx: any Transaction) throws -> SecondFactor? {
        let row = try tx.rows(
            """
            SELECT created_at, (SELECT COUNT(*) FROM recovery_code WHERE user_id = \(userID)) AS recovery_codes
            FROM second_factor
            WHERE user_id = \(userID)
            """
        ).first
        return try row.map { row in
            SecondFactor(createdAt: try row.get("created_at"), recoveryCodes: try row.get("recovery_codes"))
        }
    }

    /// Stores the secret of an app, whose code of `step` was seen; false when there is one.
    func insert(_ codes: OneTimeCodes, step: Int64, of userID: UserID, in tx: any Transaction) throws -> Bool {
        let secret = try keyring.seal(codes.text, at: Self.place(userID))
        return try tx.run(
            """
            INSERT INTO second_factor (user_id, secret, last_step, created_at)
            VALUES (\(userID), \(secret), \(step), \(tx.now))
            ON CONFLICT (user_id) DO NOTHING
            """) == 1
    }

    /// Takes a code of the app or a recovery code, each once.
    ///
    /// - Returns: Which it was; nil when it is neither.
    func take(_ code: String, of userID: UserID, in tx: any Transaction) throws -> SecondFactorCode? {
        guard let code = SecondFactorCode(code) else { return nil }
        switch code {
        case .app(let digits):
            let row = try tx.rows("SELECT secret, last_step FROM second_factor WHERE user_id = \(userID)").first
            guard let row, let codes = OneTimeCodes(try keyring.open(row.get("secret"), at: Self.place(userID))) else {
                return nil
            }
            let last: Int64 = try row.get("last_step")
            guard let step = codes.step(of: digits, at: tx.now, after: last) else { return nil }
            // Of two requests with the same code, the one that finds what both have read.
            let taken = try tx.run(
                "UPDATE second_factor SET last_step = \(step) WHERE user_id = \(userID) AND last_step = \(last)")
            return taken == 1 ? code : nil
        case .recovery(let text):
            let hash = SecondFactorCode.hash(text, of: userID)
            let taken = try tx.run("DELETE FROM recovery_code WHERE user_id = \(userID) AND code_hash = \(hash)")
            return taken == 1 ? code : nil
        }
    }

    /// Stores recovery codes in place of those before.
    static func replaceRecoveryCodes(with codes: [String], of userID: UserID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM recovery_code WHERE user_id = \(userID)")
        for code in codes {
            let hash = SecondFactorCode.hash(code, of: userID)
            try tx.run("INSERT INTO recovery_code (user_id, code_hash) VALUES (\(userID), \(hash))")
        }
    }

    /// Lets the password be enough again; false when it was.
    @discardableResult
    static func delete(of userID: UserID, in tx: any Transaction) throws -> Bool {
        try tx.run("DELETE FROM recovery_code WHERE user_id = \(userID)")
        return try tx.run("DELETE FROM second_factor WHERE user_id = \(userID)") == 1
    }

    /// Where the secrets are sealed.
    static let sealed = SealedTable(name: "second_factor", columns: ["secret"], key: ["user_id"]) {
        place(try $0.get("user_id"))
    }

    private static func place(_ userID: UserID) -> Keyring.Place {
        Keyring.Place("second_factor", "secret", userID.text, userID)
    }
}
