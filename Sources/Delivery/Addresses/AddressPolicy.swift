/// Decides which addresses a callback may reach: public unicast, and what the operator lists, but of this server only its
/// ``OwnReceiver``.
///
/// The same value judges a URL when it is saved and every address at every dial, so a name that changes its answer
/// in between gains nothing.
///
///     let policy = AddressPolicy(allowedNetworks: [try Network("192.168.0.0/16")])
///     try policy.check(address, port: 443)
package struct AddressPolicy: Sendable {
    private let allowedNetworks: [Network]
    private let ownAddresses: [OwnAddress]
    private let machine: LocalAddresses
    private let isPublicOnly: Bool
    /// What of this server may be reached all the same.
    package let ownReceiver: OwnReceiver

    /// Makes a policy.
    ///
    /// - Parameters:
    ///   - allowedNetworks: blocks that are reachable although they are not public; empty by default.
    ///   - ownAddresses: where this server listens; refused even inside an allowed block.
    ///   - machine: every address of this machine; what ``publicOnly`` refuses on every port.
    ///   - ownReceiver: what of this server may be reached all the same; nothing by default.
    package init(
        allowedNetworks: [Network] = [], ownAddresses: [OwnAddress] = [], machine: LocalAddresses = LocalAddresses(),
        ownReceiver: OwnReceiver = OwnReceiver { "" }
    ) {
        self.init(
            allowedNetworks: allowedNetworks, ownAddresses: ownAddresses, machine: machine, isPublicOnly: false,
            ownReceiver: ownReceiver)
    }

    private init(
        allowedNetworks: [Network], ownAddresses: [OwnAddress], machine: LocalAddresses, isPublicOnly: Bool,
        ownReceiver: OwnReceiver
    ) {
        self.allowedNetworks = allowedNetworks
        self.ownAddresses = ownAddresses
        self.machine = machine
        self.isPublicOnly = isPublicOnly
        self.ownReceiver = ownReceiver
    }

    /// What webhooks of invited accounts reach: not the networks that the operator allows, and nothing on this machine,
    /// whose own public address is the way around the firewall before it.
    package var publicOnly: AddressPolicy {
        AddressPolicy(
            allowedNetworks: [], ownAddresses: ownAddresses, machine: machine, isPublicOnly: true,
            ownReceiver: ownReceiver)
    }

    /// What servers are reached by that the operator names, such as Firebase: every address that a host can have.
    package static let operators = AddressPolicy(allowedNetworks: [
        Network(base: IPAddress(v4: 0), prefixLength: 0), Network(base: IPAddress(v6: 0), prefixLength: 0),
    ])

    /// Returns normally when `url`, whose host has this address, may be dialled there.
    ///
    /// Under ``publicOnly`` the error does not say which address a name has: the name servers here may know names that
    /// nobody outside can ask for.
    ///
    /// - Throws: ``BlockedAddress`` when it may not.
    package func check(_ address: IPAddress, for url: CallbackURL) throws(BlockedAddress) {
        guard let reason = reason(against: address, port: url.port), !ownReceiver.contains(url) else { return }
        throw BlockedAddress(
            address: address, port: url.port, reason: reason, isTold: !isPublicOnly || url.literal != nil)
    }

    /// Returns normally when the address may be dialled at the port.
    ///
    /// - Throws: ``BlockedAddress`` with the reason when it may not.
    package func check(_ address: IPAddress, port: Int) throws(BlockedAddress) {
        if let reason = reason(against: address, port: port) {
            throw BlockedAddress(address: address, port: port, reason: reason)
        }
    }

    /// Whether the address may be dialled, whatever the port.
    package func permits(_ address: IPAddress) -> Bool {
        reason(against: address, port: 0) == nil
    }

    private func reason(against address: IPAddress, port: Int) -> BlockedAddress.Reason? {
        if let never = SpecialPurposeNetwork.neverTargets.first(where: { $0.network.contains(address) }) {
            return .notPublic(never.purpose)
        }
        if ownAddresses.contains(where: { $0.port == port && $0.network.contains(address) }) { return .ownAddress }
        if isPublicOnly, machine.contains(address) { return .ownMachine }
        if allowedNetworks.contains(where: { $0.contains(address) }) { return nil }
        switch address.family {
        case .v4:
            return SpecialPurposeNetwork.v4.first { $0.network.contains(address) }.map { .notPublic($0.purpose) }
        case .v6:
            if SpecialPurposeNetwork.wellKnownNAT64.contains(address) {
                return reason(against: IPAddress(v4: UInt32(truncatingIfNeeded: address.bits)), port: port)
            }
            if SpecialPurposeNetwork.globalUnicast.contains(address) {
                if SpecialPurposeNetwork.isISATAP(address) {
                    return .notPublic("ISATAP, which embeds an IPv4 address (RFC 5214)")
                }
                return SpecialPurposeNetwork.v6.first { $0.network.contains(address) }.map { .notPublic($0.purpose) }
            }
            let known = SpecialPurposeNetwork.v6OutsideGlobalUnicast.first { $0.network.contains(address) }
            return .notPublic(known?.purpose ?? "outside of global unicast, 2000::/3")
        }
    }
}

/// An address that the policy refuses, and why.
package struct BlockedAddress: Error, Hashable, CustomStringConvertible {
    /// Why an address is refused.
    package enum Reason: Hashable, Sendable {
        /// It is not public unicast and no allowed network holds it; the text names the block.
        case notPublic(String)
        /// This server itself listens there.
        case ownAddress
        /// An interface of this machine has it.
        case ownMachine
    }

    /// The address that was asked for.
    package let address: IPAddress

    /// The port that was asked for.
    package let port: Int

    /// Why it is refused.
    package let reason: Reason

    /// Whether whoever reads the description may know the address.
    package var isTold = true

    /// Whether the operator could open the address with `WEBHOOK_ALLOWED_NETWORKS`.
    package var mayBeAllowed: Bool { Self.mayBeAllowed(description) }

    /// The same of a stored ``description``: this server, and addresses that mean no host, stay closed whatever is allowed.
    static func mayBeAllowed(_ description: String) -> Bool {
        description.contains(notPublic)
            && !SpecialPurposeNetwork.neverTargets.contains { description.hasSuffix($0.purpose) }
    }

    private static let notPublic = " is not a public address: "

    /// One clause for the user, without a full stop.
    package var description: String {
        guard isTold else { return "the host has an address that webhooks of this account may not reach" }
        return switch reason {
        case .notPublic(let purpose): "\(address)\(Self.notPublic)\(purpose)"
        case .ownAddress: "\(address) port \(port) is this server itself"
        case .ownMachine: "\(address) is an address of this server"
        }
    }
}
