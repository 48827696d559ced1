/// 2 s: a person waits for the form, and a slow name is judged again at every dial anyway.
private let vettingLimit = Duration.seconds(2)

/// Judges a callback URL when it is saved.
///
/// Returns normally when every address of the host may be dialled, and also when the name does not resolve within
/// two seconds: it may be about to be set up, and the dial judges it again.
///
/// - Throws: ``BlockedAddress`` for the first address that the policy refuses.
package func vetCallback(
    _ url: CallbackURL, resolver: any AddressResolver, policy: AddressPolicy
) async throws(BlockedAddress) {
    if let literal = url.literal {
        return try policy.check(literal, for: url)
    }
    // A name that does not resolve is an answer here: see above.
    guard let addresses = try? await resolver.resolve(url.host, within: vettingLimit) else { return }
    for address in addresses { try policy.check(address, for: url) }
}
