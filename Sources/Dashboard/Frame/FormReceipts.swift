import Delivery
import Gateway
import Hummingbird
import Secrets
import Wire

/// Keeps a form from doing its work twice: without scripts nothing stops a second click, and a browser that lost its
/// connection sends again. The same form with the same fields counts once, as a request with an ``IdempotencyKey``.
struct FormReceipts: Sendable {
    let queries: IdempotencyQueries

    /// What a form that may be sent once carries as `once`.
    static func token() -> String { RandomToken.make() }

    /// The receipt of the form that was sent. Work that was done before throws ``Replayed``; a form that was changed is
    /// another one. Nothing is made for somebody whose role was taken away while it waited.
    func receipt<Value: Sendable>(of context: SignedInContext) -> Receipt<Value> {
        let permit = Permit(context.session)
        guard RandomToken.isToken(context.form.text("once")) else {
            return Receipt(key: nil, permit: permit) { _ in Reply("", nil) }
        }
        let digest = context.form.digest
        return Receipt(
            key: IdempotencyKey(
                // A space, which no client's key holds.
                text: "form \(digest.hexadecimal)", digest: digest, identity: .user(context.userID), queries: queries),
            permit: permit
        ) { _ in Reply("", nil) }
    }
}
