import Delivery
import Secrets
import Wire

/// What the operator says: the value of every setting under the name that ``SettingTable`` gives it, and what follows from
/// several of them.
@dynamicMemberLookup package struct SettingValues: Sendable {
    /// What was set, by variable.
    private var given: [String: any Sendable] = [:]
    /// How long one push may take; less than the lease of a push (30 s). No variable changes it.
    package var pushDeadline: Duration = .seconds(10)

    /// Nothing is set.
    package init() {}

    /// Reads what is set.
    ///
    /// - Parameter text: What a variable holds; nil, empty or blank when it is not set.
    /// - Throws: ``ConfigurationError``.
    package init(_ text: (_ variable: String) -> String?) throws(ConfigurationError) {
        for setting in SettingTable.all {
            guard let text = text(setting.variable)?.trimmed, !text.isEmpty else { continue }
            given[setting.variable] = try setting.value(of: text)
        }
        if self.previousMasterKey != nil, self.masterKey == nil {
            throw ConfigurationError(
                variable: SettingTable.table.previousMasterKey.variable,
                expected: "left out where MASTER_KEY is not set: the key file holds both")
        }
        if postgresURL != nil, self.masterKey == nil {
            throw ConfigurationError(
                variable: SettingTable.table.masterKey.variable,
                expected: "set with PostgreSQL: 32 bytes in base64, as `openssl rand -base64 32` prints")
        }
        // It cannot be read without what another variable says.
        if self.mailServerURL != nil, mailServer == nil { throw SettingTable.table.mailServerURL.refusal }
    }

    /// The value of a setting: what was set, or what holds where nothing is.
    package subscript<Value>(dynamicMember setting: KeyPath<SettingTable, Setting<Value>>) -> Value {
        get {
            let setting = SettingTable.table[keyPath: setting]
            guard let value = given[setting.variable] else { return setting.absent }
            return value as? Value ?? setting.absent
        }
        set { given[SettingTable.table[keyPath: setting].variable] = newValue }
    }
}

/// What follows from several settings.
extension SettingValues {
    /// The path of the SQLite file, whether or not it is used.
    package var databasePath: String {
        if case .file(let path) = self.database { path } else { "./data/httpsms" }
    }

    /// What libpq connects to; nil uses the SQLite file.
    package var postgresURL: Secret<String>? {
        if case .postgres(let url) = self.database { url } else { nil }
    }

    /// Where received files are kept, a folder that all nodes share; nil keeps them in the database.
    package var filesFolder: String? {
        self.attachmentsFolder ?? (postgresURL == nil ? databasePath + ".attachments" : nil)
    }

    /// Whose certificates are taken of receivers.
    package var trust: SystemTrust {
        SystemTrust(roots: self.systemAuthorities, more: self.webhookAuthorities ?? [])
    }

    /// What webhooks leave through; nil for nothing.
    package var webhookProxy: EgressProxy? {
        self.webhookProxyURL.flatMap { EgressProxy($0.exposed, exceptions: self.noProxy ?? "") }
    }

    /// Where e-mail is handed in; nil sends none.
    package var mailServer: MailServer? {
        guard let url = self.mailServerURL, let sender = self.mailSender else { return nil }
        return MailServer(url.exposed, from: sender, trust: trust)
    }

    /// How Firebase is reached; nil when it is not.
    package var push: PushConfiguration? {
        PushConfiguration(account: self.firebaseCredentials, endpoint: self.firebaseEndpoint, deadline: pushDeadline)
    }

    /// Who takes pushes of this server; empty when phones are told in other ways only.
    package var pushes: Set<PushKind> { Set(PushKind.allCases.filter { $0.isSetUp(by: self) }) }

    /// How much invited accounts may have.
    package var quotas: Quotas {
        var quotas = Quotas()
        quotas.phones = self.phoneQuota
        quotas.phoneKeys = self.phoneKeyQuota
        quotas.schedules = self.scheduleQuota
        quotas.webhooks = self.webhookQuota
        quotas.messagesPerDay = self.messageQuota
        quotas.attachmentBytesPerDay = self.attachmentQuota
        return quotas
    }
}
