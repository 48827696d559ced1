/// A browser at the other end, as the list of sessions shows it.
package struct Visitor: Sendable {
    /// Its address.
    let address: String
    /// Who counts as one for limits; see `IPAddress.clientNetwork`.
    let network: String
    /// What it says it is, cut to 255 bytes.
    let agent: String
    /// The tokens that say that somebody signed in with it before; not looked at yet.
    let devices: [String]

    /// Cuts what the browser says to 255 bytes.
    package init(network: String, address: String, agent: String, devices: [String] = []) {
        (self.network, self.address, self.devices) = (network, address, devices)
        self.agent = String(decoding: agent.utf8.lazy.filter { $0 != 0 }.prefix(255), as: UTF8.self)
    }

    /// `Firefox on Linux`, as far as `agent` can be read: browsers name each other, so that the first that fits counts.
    package static func name(of agent: String) -> String {
        let browser = browsers.first { agent.contains($0.mark) }?.name ?? "A browser"
        let system = systems.first { agent.contains($0.mark) }?.name
        return system.map { "\(browser) on \($0)" } ?? browser
    }

    private static let browsers: [(mark: String, name: String)] = [
        ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl"),
    ]

    private static let systems: [(mark: String, name: String)] = [
        ("Android", "Android"), ("iPhone", "an iPhone"), ("iPad", "an iPad"), ("Windows", "Windows"),
        ("Mac OS X", "a Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
    ]
}
