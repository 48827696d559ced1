import Delivery
import Hummingbird
import Storage

/// The `Idempotency-Key` of a POST that creates something, with what the request asked for.
///
/// The answer is stored in the transaction that creates: a client that did not get it sends the request again, and nothing
/// is created twice, whatever crashed in between. Answers are kept for 24 hours, those of refused requests not at all.
package struct IdempotencyKey: Sendable {
    /// 1 to 255 printable ASCII characters, of the client's choice.
    let text: String
    /// Of identity, path and body.
    let digest: [UInt8]
    /// Who made the request. The account and each of its phones have keys of their own: none gets an answer that another
    /// was given, nor takes a key away from it.
    let identity: Identity
    let queries: IdempotencyQueries

    /// Says it all.
    package init(text: String, digest: [UInt8], identity: Identity, queries: IdempotencyQueries) {
        (self.text, self.digest, self.identity, self.queries) = (text, digest, identity, queries)
    }

    var userID: UserID { identity.userID }

    /// What the answer is kept under. No text of a client holds a space, so no two identities meet.
    var storedText: String { identity.idempotencyScope.map { "\($0) \(text)" } ?? text }
}

extension Identity {
    /// What sets the keys of a phone or a program apart from the account's; nil for the account itself.
    var idempotencyScope: String? {
        switch self {
        case .user: nil
        case .phone(_, let key, _): key.text
        case .key(_, let grant): grant.id.text
        }
    }
}

/// How a creation is answered, and the place where that answer is kept for a repeat.
package struct Receipt<Value: Sendable>: Sendable {
    /// Nil keeps no answer.
    let key: IdempotencyKey?
    /// What whoever asked must still be allowed; nil where a key says so.
    let permit: Permit?
    /// The answer to who made `Value`.
    let reply: @Sendable (Value) -> Reply

    /// - Parameters:
    ///   - key: Under which the answer is kept; nil keeps none.
    ///   - permit: What whoever asked must still be allowed when it is made; nil where a key says so.
    ///   - reply: The answer to who made a value.
    package init(key: IdempotencyKey?, permit: Permit? = nil, reply: @escaping @Sendable (Value) -> Reply) {
        (self.key, self.permit, self.reply) = (key, permit, reply)
    }

    /// Runs `body`, which creates, and keeps the answer in the same transaction.
    ///
    /// - Throws: ``Replayed`` when another request with this key came first; ``Refusal`` `.forbidden` when it is not allowed any
    ///   more; what `body` throws.
    func keep(in tx: any Transaction, _ body: () throws -> Value) throws -> Value {
        try permit?.check(in: tx)
        guard let key else { return try body() }
        if let earlier = try key.queries.find(key, in: tx) { throw Replayed(answer: earlier) }
        let value = try body()
        try key.queries.insert(key, reply(value).answer, in: tx)
        return value
    }
}

extension Receipt {
    /// Keeps nothing: for what carries no ``IdempotencyKey``, and for forms where a second click does no harm.
    package static var unkept: Receipt { Receipt(key: nil) { _ in Reply("", nil) } }
}

/// Ends a request with the answer that an earlier one with the same key got.
package struct Replayed: Error {
    let answer: Answer
}

/// Where a request may carry an ``IdempotencyKey``.
protocol IdempotentContext: RequestContext {
    /// Who makes the request, once it is known that they may.
    var identity: Identity { get }
    /// Where large bodies are read; nil reads them where the request is answered.
    var uploads: UploadQueue? { get }
    /// Filled in by ``IdempotencyMiddleware``.
    var idempotencyKey: IdempotencyKey? { get set }
}

extension IdempotentContext {
    /// What a creation by this request is answered with.
    func receipt<Value: Sendable>(
        of type: Value.Type = Value.self, _ reply: @escaping @Sendable (Value) -> Reply
    ) -> Receipt<Value> {
        Receipt(key: idempotencyKey, reply: reply)
    }
}
