import NIOCore

/// Addresses and a port at which this server listens, and which therefore are never a target.
package struct OwnAddress: Hashable, Sendable {
    /// The addresses.
    package let network: Network

    /// The listening port.
    package let port: Int

    /// Makes one entry.
    package init(network: Network, port: Int) {
        self.network = network
        self.port = port
    }

    /// Lists what reaches a listener that is bound to an address.
    ///
    /// A wildcard (`0.0.0.0` or `::`) listens on all of loopback and on every interface; any other address on itself.
    ///
    /// - Parameters:
    ///   - address: what the listener is bound to.
    ///   - port: its port.
    ///   - interfaces: this machine's addresses; ``localInterfaces()`` in production.
    /// - Returns: one entry per network, for ``AddressPolicy/init(allowedNetworks:ownAddresses:)``.
    package static func listening(on address: IPAddress, port: Int, interfaces: [IPAddress]) -> [OwnAddress] {
        guard address.bits == 0 else {
            return [OwnAddress(network: Network(base: address, prefixLength: address.family.width), port: port)]
        }
        let loopback = [
            Network(base: IPAddress(v4: 0x7F00_0000), prefixLength: 8),
            Network(base: IPAddress(v6: 1), prefixLength: 128),
        ]
        let own = interfaces.map { Network(base: $0, prefixLength: $0.family.width) }
        return (loopback + own).map { OwnAddress(network: $0, port: port) }
    }

    /// Reads the addresses of this machine's interfaces from the system; blocks for microseconds, so call it at start.
    ///
    /// - Throws: `IOError` when the system refuses.
    package static func localInterfaces() throws -> [IPAddress] {
        try System.enumerateDevices().compactMap { device in
            // A zone, as in "fe80::1%eth0", is not part of the address.
            device.address?.ipAddress.flatMap { IPAddress(String($0.prefix { $0 != "%" })) }
        }
    }
}
