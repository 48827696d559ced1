extension TestServer {
    /// What ``signedIn(_:)`` chooses.
    package static let password = "correct horse"

    /// The tokens of the links to the first account that the server has logged, in order.
    package var firstRunTokens: [String] {
        log.lines.compactMap { line in
            let parts = (line.metadata["url"] ?? "").split(separator: "/first-run?token=", maxSplits: 1)
            return parts.count == 2 ? String(parts[1]) : nil
        }
    }

    /// A browser that is signed in to an account, for the first time.
    ///
    /// - Parameter account: Whose pages are opened.
    /// - Returns: The browser; its password is ``password``.
    /// - Throws: When the server does not answer.
    package func signedIn(_ account: Account) async throws -> PageClient {
        let page = PageClient(baseURL: baseURL)
        _ = try await page.submit(
            "/first-sign-in", on: "/first-sign-in",
            [("email", account.email), ("api_key", account.apiKey), ("password", Self.password)])
        return page
    }

    /// A browser that is signed in to a new account.
    ///
    /// - Returns: The browser and the account.
    package func signedIn() async throws -> (page: PageClient, account: Account) {
        let account = try await makeAccount()
        return (try await signedIn(account), account)
    }

    /// A browser that is signed in to a new account, which has a phone.
    ///
    /// - Returns: The browser, the account and its phone.
    package func signedInWithPhone() async throws -> (page: PageClient, account: Account, phone: Account.Phone) {
        let account = try await makeAccount()
        let phone = try await account.makePhone()
        return (try await signedIn(account), account, phone)
    }
}
