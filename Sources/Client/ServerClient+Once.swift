import JSON
import NIOHTTP1
import Secrets

extension ServerClient {
    /// Has something happen once: asks again, under the same `Idempotency-Key`, while nobody knows whether it did.
    ///
    /// Waits 1, 2 and 4 s before that, as a server that starts again does not take longer.
    ///
    /// - Throws: ``ClientFailure`` for anything but a 2xx, of the last try.
    func callOnce(_ path: String, _ body: some JSONWritable) async throws(ClientFailure) -> Answer {
        let key = RandomToken.make()
        for pause in Self.pauses {
            do throws(ClientFailure) {
                return Self.answer(try await exchange(.POST, path, body: body.encodedJSON(), idempotencyKey: key))
            } catch {
                guard error.isTransient else { throw error }
            }
            // Cancelled: the last try tells.
            try? await Task.sleep(for: pause)
        }
        return Self.answer(try await exchange(.POST, path, body: body.encodedJSON(), idempotencyKey: key))
    }

    private static let pauses: [Duration] = [.seconds(1), .seconds(2), .seconds(4)]
}
