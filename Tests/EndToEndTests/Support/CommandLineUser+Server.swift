/// Runs `body` with a user of a server that has a phone.
func withUser(_ body: (CommandLineUser, Client) async throws -> Void) async throws {
    try await withInstallation { installation in
        let client = Client(installation: installation)
        try await client.setUp()
        try await body(CommandLineUser(installation), client)
    }
}
