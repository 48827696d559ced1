import Delivery
import HTTPSMSWebhooks
import Secrets
import Storage
import Timestamps

/// Pairing, registering and removing devices.
package struct DeviceOperations: Sendable {
    let store: any Store
    let queries: PhoneDeviceQueries
    let quotas: Quotas
    /// What tells the time.
    package let clock: any WallClock
    let guesses: CodeGuesses

    /// The devices of `userID`, newest first.
    func list(userID: UserID, page: Page) async throws -> [Device] {
        try await store.read(.user(userID)) { tx in try PhoneDeviceQueries.list(userID: userID, page: page, in: tx) }
    }

    /// Lets one phone register for `numbers` within 15 minutes. The oldest of 20 that wait gives way.
    ///
    /// - Parameters:
    ///   - name: What the device is called; empty for what the app calls the phone.
    ///   - numbers: One or two, each with a SIM card of its own.
    ///   - url: What the app's API URL is set to.
    ///   - userID: Whose numbers they are.
    ///   - receipt: How the request is answered.
    /// - Returns: The secrets, which are shown once.
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken.
    package func pair(
        name: String, numbers: [SIMNumber], url: String, userID: UserID, receipt: Receipt<FreshPairing>
    ) async throws -> FreshPairing {
        var errors = FieldErrors()
        errors.requireBytes("name", name, max: 60)
        errors.require("numbers", numbers.map(\.phoneNumber))
        errors.requireCount("numbers", numbers, max: 2)
        errors.requirePhoneNumbers("numbers", numbers.map(\.phoneNumber))
        if Set(numbers.map(\.sim)).count < numbers.count {
            errors.add("numbers", "The numbers field names a SIM card twice")
        } else if Set(numbers.map(\.phoneNumber)).count < numbers.count {
            errors.add("numbers", "The numbers field names a phone number twice")
        }
        try errors.check("validation errors while pairing a device")
        do {
            return try await pairOnce(name: name, numbers: numbers, url: url, userID: userID, receipt: receipt)
        } catch StorageError.uniqueViolation {
            // The code was taken: one of 100 million.
            return try await pairOnce(name: name, numbers: numbers, url: url, userID: userID, receipt: receipt)
        }
    }

    /// Lets the phone of a device register again, as the same device with the same numbers. What it has works until then.
    ///
    /// - Returns: Nil when `userID` has no such device, or it has no numbers.
    package func pairAgain(_ device: DeviceID, url: String, userID: UserID) async throws -> FreshPairing? {
        let (id, token) = (DevicePairingID(at: clock.now()), DeviceSecrets.privateToken())
        return try await store.write(.user(userID)) { tx in
            guard let device = try PhoneDeviceQueries.lock(device, in: tx), device.userID == userID,
                !device.numbers.isEmpty
            else { return nil }
            let pairing = DevicePairing(
                id: id, userID: userID, name: device.name,
                numbers: device.numbers.map { SIMNumber(sim: $0.slot == 1 ? .sim1 : .sim2, phoneNumber: $0.number) },
                expiresAt: tx.now + DevicePairing.lifetime, deviceID: device.id)
            try DevicePairingQueries.makeRoom(userID: userID, in: tx)
            try DevicePairingQueries.insert(pairing, privateToken: token, in: tx)
            return FreshPairing(id: id, privateToken: token, url: url, expiresAt: pairing.expiresAt)
        }
    }

    /// How far somebody has come who connects a phone.
    package enum Progress: Sendable {
        /// Nobody has registered yet.
        case waiting(DevicePairing)
        /// The phone has registered; `hasReceived` tells whether an SMS came in since.
        case registered(Device, hasReceived: Bool)
    }

    /// What became of the pairing with this private token; nil when it is unknown, was replaced, or has expired.
    package func progress(of privateToken: String) async throws -> Progress? {
        let hash = SHA256Digest.bytes(privateToken)
        return try await store.read(.request) { tx in
            if let device = try PhoneDeviceQueries.look(privateTokenHash: hash, in: tx) {
                return .registered(device, hasReceived: try Self.hasReceived(device, in: tx))
            }
            return try DevicePairingQueries.look(tokenHash: hash, in: tx).map(Progress.waiting)
        }
    }

    /// Whether one of its numbers received an SMS since it registered.
    package static func hasReceived(_ device: Device, in tx: any Transaction) throws -> Bool {
        try MessageQueries.hasReceived(
            owners: device.numbers.map(\.number), since: device.registeredAt, userID: device.userID, in: tx)
    }

    private func pairOnce(
        name: String, numbers: [SIMNumber], url: String, userID: UserID, receipt: Receipt<FreshPairing>
    ) async throws -> FreshPairing {
        let id = DevicePairingID(at: clock.now())
        let token = DeviceSecrets.privateToken()
        return try await store.write(for: userID) { tx in
            try receipt.keep(in: tx) {
                let pairing = DevicePairing(
                    id: id, userID: userID, name: name, numbers: numbers, expiresAt: tx.now + DevicePairing.lifetime)
                try DevicePairingQueries.makeRoom(userID: userID, in: tx)
                try DevicePairingQueries.insert(pairing, privateToken: token, in: tx)
                return FreshPairing(id: id, privateToken: token, url: url, expiresAt: pairing.expiresAt)
            }
        }
    }

    /// By what a phone registers.
    enum Credential: Sendable {
        /// Digits, tried from a network.
        case code(String, network: String)
        case privateToken(String)
    }

    /// A device that registered, with its token, which is told once.
    struct Registered: Sendable {
        let id: DeviceID
        let token: String
        /// The e-mail address of its account.
        let login: String
    }

    /// Registers a phone. One that comes again with its private token is the same device and gets another token.
    ///
    /// - Throws: ``Refusal`` `.unauthenticated` for a wrong or used credential, `.tooMany` while its network has tried
    ///   too many codes, `.quota` when the account may not have more phones.
    func register(
        _ credential: Credential, name: String, told: PhoneDeviceQueries.Told
    ) async throws -> Registered {
        if case .code(_, let network) = credential, !guesses.take(network) {
            throw Refusal(.tooMany, "There were too many wrong codes. Wait a minute and try again.")
        }
        let registered: Registered?
        do {
            registered = try await registerOnce(credential, name: name, told: told)
        } catch StorageError.uniqueViolation {
            // Another request made one of the numbers meanwhile, and now it is there.
            registered = try await registerOnce(credential, name: name, told: told)
        } catch {
            giveBack(credential)  // Nothing was told of the code: a wrong one is nil.
            throw error
        }
        if let registered {
            giveBack(credential)
            return registered
        }
        switch credential {
        case .code:
            throw Refusal(.unauthenticated, "This code is wrong or has expired. Get a new one in the dashboard.")
        case .privateToken:
            throw Refusal(
                .unauthenticated, "This private token is wrong or has expired. Get a new one in the dashboard.")
        }
    }

    private func giveBack(_ credential: Credential) {
        if case .code(_, let network) = credential { guesses.giveBack(network) }
    }

    /// Nil when the credential is wrong, was used, or has expired.
    private func registerOnce(
        _ credential: Credential, name: String, told: PhoneDeviceQueries.Told
    ) async throws -> Registered? {
        let now = clock.now()
        let (id, phoneIDs) = (DeviceID(at: now), (0..<2).map { _ in PhoneID(at: now) })
        let token = DeviceSecrets.token()
        return try await store.write(.request) { [queries] tx in
            guard let found = try Self.find(credential, in: tx) else { return nil }
            let device: DeviceID
            switch found {
            case .device(let known): device = known
            case .pairing(let pairing, let tokenHash):
                guard try DevicePairingQueries.delete(pairing.id, in: tx) else { return nil }
                if let known = pairing.deviceID, try PhoneDeviceQueries.lock(known, in: tx) != nil {
                    device = known
                    try PhoneDeviceQueries.setPrivateToken(hash: tokenHash, of: known, in: tx)
                } else {
                    device = id
                    try Self.requireRoom(for: pairing.userID, in: tx)
                    try queries.insert(
                        id, name: pairing.name.isEmpty ? name : pairing.name, privateTokenHash: tokenHash,
                        userID: pairing.userID, in: tx)
                }
                for (number, phoneID) in zip(pairing.numbers, phoneIDs) {
                    try bind(number, as: phoneID, to: device, userID: pairing.userID, in: tx)
                }
            }
            try PhoneDeviceQueries.register(device, in: tx)
            try PhoneDeviceQueries.note(told, of: device, in: tx)
            try PhoneDeviceQueries.addToken(token, of: device, in: tx)
            try PhoneDeviceQueries.nudge(device, in: tx)
            guard let login = try PhoneDeviceQueries.login(of: device, in: tx) else {
                throw Refusal(.unauthenticated, "The account of this device was deleted.")
            }
            return Registered(id: device, token: token, login: login)
        }
    }

    private enum Found {
        case device(DeviceID)
        case pairing(DevicePairing, tokenHash: [UInt8])
    }

    private static func find(_ credential: Credential, in tx: any Transaction) throws -> Found? {
        switch credential {
        case .code(let code, _):
            return try DevicePairingQueries.find(codeHash: SHA256Digest.bytes(code), in: tx).map(Found.pairing)
        case .privateToken(let token):
            let hash = SHA256Digest.bytes(token)
            if let id = try PhoneDeviceQueries.find(privateTokenHash: hash, in: tx) { return .device(id) }
            if let (pairing, tokenHash) = try DevicePairingQueries.find(tokenHash: hash, in: tx) {
                return .pairing(pairing, tokenHash: tokenHash)
            }
            // Another request took the pairing while this one waited for it, and made it a device.
            return try PhoneDeviceQueries.find(privateTokenHash: hash, in: tx).map(Found.device)
        }
    }

    /// - Throws: ``Refusal`` `.quota` when an account has as many devices as anybody may have.
    private static func requireRoom(for userID: UserID, in tx: any Transaction) throws {
        let limit = PhoneDeviceQueries.most
        try UserQueries.lock(userID, in: tx)
        guard try PhoneDeviceQueries.count(userID: userID, in: tx) >= limit else { return }
        throw Refusal(
            .quota, "You have \(limit) devices already. Remove those that you do not use in the dashboard.")
    }

    /// Makes the phone of a number unless there is one, and gives it to a device, whoever had it before.
    private func bind(
        _ number: SIMNumber, as id: PhoneID, to device: DeviceID, userID: UserID, in tx: any Transaction
    ) throws {
        var phone = try PhoneOperations.findOrMake(
            number: number.phoneNumber, as: id, userID: userID, quotas: quotas, in: tx)
        phone.sim = number.sim
        phone.updatedAt = tx.now
        try PhoneQueries.save(phone, in: tx)
        try PhoneDeviceQueries.bind(phone, to: device, slot: number.slot, in: tx)
    }

    /// Removes a device: its tokens end, its numbers stay without a way to tell them of messages, and what it was to send fails.
    /// False when `userID` has no such device.
    package func delete(_ id: DeviceID, userID: UserID) async throws -> Bool {
        try await end(id, userID: userID, because: Self.removed) { id, tx in
            try PhoneDeviceQueries.delete(id, in: tx)
        }
    }

    /// Locks a device out: its tokens end, and where it posts to. It keeps its numbers until its phone, or another one, is paired
    /// again; what it was to send fails. False when `userID` has no such device.
    package func revoke(_ id: DeviceID, userID: UserID) async throws -> Bool {
        try await end(id, userID: userID, because: Self.revoked) { [queries] id, tx in
            try queries.revoke(id, userID: userID, in: tx)
        }
    }

    /// Asks a device for the SMS of the last 30 days that its phone has and the app did not pass on, such as those from before it was
    /// installed. False when `userID` has no such device.
    package func askForInbox(_ id: DeviceID, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { tx in
            guard let device = try PhoneDeviceQueries.lock(id, in: tx), device.userID == userID else { return false }
            try PhoneDeviceQueries.note(.askedForInbox, of: id, in: tx)
            try PhoneDeviceQueries.nudge(id, in: tx)
            return true
        }
    }

    private func end(
        _ id: DeviceID, userID: UserID, because reason: String,
        _ end: @escaping @Sendable (DeviceID, any Transaction) throws -> Void
    ) async throws -> Bool {
        try await store.write(.user(userID)) { tx in
            guard let device = try PhoneDeviceQueries.lock(id, in: tx), device.userID == userID else { return false }
            let owners = device.numbers.map(\.number)
            let open =
                try DeviceOfferQueries.outstanding(userID: userID, owners: owners, limit: Self.mostFailed, in: tx)
                + DeviceOfferQueries.again(id, owners: owners, limit: Self.mostFailed, in: tx)
            try DevicePairingQueries.delete(of: id, userID: userID, in: tx)
            try end(id, tx)
            for message in open { try MessageOperations.fail(message, because: reason, in: tx) }
            try PhoneDeviceQueries.nudge(id, in: tx)
            return true
        }
    }

    /// What is open fails in one transaction up to this number; what is left is not fetched by anybody, and expires.
    private static let mostFailed = 500

    private static let revoked = "The device that was to send it was locked out. Pair it again."
    private static let removed = "The device that was to send it was removed. Connect a phone for this number."
}
