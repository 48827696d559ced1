import Timestamps

/// The phone that the app is installed on, and what its user has typed in.
package struct SMSGatePhone: Sendable {
    /// A SIM card.
    package struct SIM: Hashable, Sendable {
        /// From 1.
        package let number: Int
        /// Its own number, which the app seldom knows.
        package let phoneNumber: String?
        /// The carrier's name.
        package let carrier: String?

        /// A card in a slot, from 1.
        package init(_ number: Int, phoneNumber: String? = nil, carrier: String? = nil) {
            self.number = number
            self.phoneNumber = phoneNumber
            self.carrier = carrier
        }
    }

    /// What was typed into "API URL", to which paths are appended as it stands.
    package var url: String
    /// What was typed into "Private Token".
    package var privateToken: String?
    /// Of the app.
    package var version = SMSGateVersion.newest
    /// As `Build.MANUFACTURER/Build.PRODUCT`.
    package var name = "samsung/a52qnsxx"
    /// The cards in it, by slot.
    package var sims = [SIM(1)]
    /// Whether the user has chosen "SSE Only".
    package var isStreamOnly = true
    /// Whether Firebase gives the app a token if asked, so that it opens no stream.
    package var hasGoogleServices = true
    /// How far the phone's clock is ahead; negative when it is behind.
    package var clockError = Duration.zero
    /// How it writes times.
    package var time = GsonTime()
    /// What the user has set as the pause between two SMS.
    package var sendInterval = Duration.zero
    /// Whether it is the app's "insecure" variant, which may speak `http://` to any host.
    package var isInsecureVariant = false
    /// Of the phone's chance.
    package var seed: UInt64 = 1

    /// A phone with the newest app, which is set to "SSE Only".
    package init(url: String, privateToken: String? = nil) {
        self.url = url
        self.privateToken = privateToken
    }

    /// Whether Android lets the app call this URL at all: without TLS only 127.0.0.1 is allowed
    /// (res/xml/network_security_config.xml:3-12).
    func mayCall(_ url: String) -> Bool {
        isInsecureVariant || !url.hasPrefix("http://") || url.hasPrefix("http://127.0.0.1:")
            || url.hasPrefix("http://127.0.0.1/")
    }
}
