/// 2 s: a person waits for the form, and a slow name is judged again at every dial anyway.
private let vettingLimit = Duration.seconds(2)

/// Judges a callback URL when it is saved.
///
/// Returns normally when every address of the host may be dialled, and also when the name does not resolve within
/// two seconds: it may be about to be set up, and the dial judges it again. The name is looked up again unless that was done
/// within 30 s, whatever is known of it.
///
/// - Parameters:
///   - url: What somebody wants to save.
///   - account: Who; an account has few lookups at a time, and none that deliveries could use.
///   - resolver: Looks the name up.
///   - policy: What the account may reach.
/// - Throws: ``BlockedAddress`` for the first address that the policy refuses.
package func vetCallback(
    _ url: CallbackURL, account: String, resolver: any AddressResolver, policy: AddressPolicy
) async throws(BlockedAddress) {
    if let literal = url.literal {
        return try policy.check(literal, for: url)
    }
    // A name that does not resolve is an answer here: see above.
    let found = try? await resolver.resolve(url.host, for: .save(account: account), within: vettingLimit)
    guard let addresses = found else { return }
    do {
        for address in addresses { try policy.check(address, for: url) }
    } catch {
        resolver.distrust(url.host)
        throw error
    }
}
