/// The templates of pages and of their parts: each a file of the folder `Pages`, by whose name other templates name it.
enum PageTemplate: String, CaseIterable, Sendable {
    case accessKeys = "access-keys"
    case account
    case alertForm = "alert-form"
    case alerts
    case apiKey = "api-key"
    case attention
    case audit
    case bulk
    case bulkBatch = "bulk-batch"
    case bulkColumns = "bulk-columns"
    case bulkPreview = "bulk-preview"
    case bulkProblems = "bulk-problems"
    case callbacks
    case connect
    case contactForm = "contact-form"
    case contactImport = "contact-import"
    case contactPreview = "contact-preview"
    case contacts
    case conversation
    case delivery
    case error
    case events
    case firstRun = "first-run"
    case firstSignIn = "first-sign-in"
    case forgottenPassword = "forgotten-password"
    case forwarder
    case forwarders
    case inboxTabs = "inbox-tabs"
    case invitation
    case invited
    case layout
    case message
    case messageForm = "message-form"
    case messages
    case newPassword = "new-password"
    case overview
    case phone
    case phoneKeys = "phone-keys"
    case phoneNew = "phone-new"
    case phones
    case planned
    case plannedForm = "planned-form"
    case playground
    case reach
    case recoveryCodes = "recovery-codes"
    case replay
    case replayForm = "replay-form"
    case scheduleForm = "schedule-form"
    case schedules
    case signIn = "sign-in"
    case signInCode = "sign-in-code"
    case system
    case team
    case textChoice = "text-choice"
    case textForm = "text-form"
    case texts
    case twoStep = "two-step"
    case users
    case verify
    case webhook
    case webhookCertificates = "webhook-certificates"
    case webhookFilter = "webhook-filter"
    case webhookForm = "webhook-form"
    case webhookFormat = "webhook-format"
    case webhookHeaders = "webhook-headers"
    case webhookPace = "webhook-pace"
    case webhooks
    case week

    /// What is in the file.
    var source: [UInt8] {
        switch self {
        case .accessKeys: PackageResources.access_keys_mustache
        case .account: PackageResources.account_mustache
        case .alertForm: PackageResources.alert_form_mustache
        case .alerts: PackageResources.alerts_mustache
        case .apiKey: PackageResources.api_key_mustache
        case .attention: PackageResources.attention_mustache
        case .audit: PackageResources.audit_mustache
        case .bulk: PackageResources.bulk_mustache
        case .bulkBatch: PackageResources.bulk_batch_mustache
        case .bulkColumns: PackageResources.bulk_columns_mustache
        case .bulkPreview: PackageResources.bulk_preview_mustache
        case .bulkProblems: PackageResources.bulk_problems_mustache
        case .callbacks: PackageResources.callbacks_mustache
        case .connect: PackageResources.connect_mustache
        case .contactForm: PackageResources.contact_form_mustache
        case .contactImport: PackageResources.contact_import_mustache
        case .contactPreview: PackageResources.contact_preview_mustache
        case .contacts: PackageResources.contacts_mustache
        case .conversation: PackageResources.conversation_mustache
        case .delivery: PackageResources.delivery_mustache
        case .error: PackageResources.error_mustache
        case .events: PackageResources.events_mustache
        case .firstRun: PackageResources.first_run_mustache
        case .firstSignIn: PackageResources.first_sign_in_mustache
        case .forgottenPassword: PackageResources.forgotten_password_mustache
        case .forwarder: PackageResources.forwarder_mustache
        case .forwarders: PackageResources.forwarders_mustache
        case .inboxTabs: PackageResources.inbox_tabs_mustache
        case .invitation: PackageResources.invitation_mustache
        case .invited: PackageResources.invited_mustache
        case .layout: PackageResources.layout_mustache
        case .message: PackageResources.message_mustache
        case .messageForm: PackageResources.message_form_mustache
        case .messages: PackageResources.messages_mustache
        case .newPassword: PackageResources.new_password_mustache
        case .overview: PackageResources.overview_mustache
        case .phone: PackageResources.phone_mustache
        case .phoneKeys: PackageResources.phone_keys_mustache
        case .phoneNew: PackageResources.phone_new_mustache
        case .phones: PackageResources.phones_mustache
        case .planned: PackageResources.planned_mustache
        case .plannedForm: PackageResources.planned_form_mustache
        case .playground: PackageResources.playground_mustache
        case .reach: PackageResources.reach_mustache
        case .recoveryCodes: PackageResources.recovery_codes_mustache
        case .replay: PackageResources.replay_mustache
        case .replayForm: PackageResources.replay_form_mustache
        case .scheduleForm: PackageResources.schedule_form_mustache
        case .schedules: PackageResources.schedules_mustache
        case .signIn: PackageResources.sign_in_mustache
        case .signInCode: PackageResources.sign_in_code_mustache
        case .system: PackageResources.system_mustache
        case .team: PackageResources.team_mustache
        case .textChoice: PackageResources.text_choice_mustache
        case .textForm: PackageResources.text_form_mustache
        case .texts: PackageResources.texts_mustache
        case .twoStep: PackageResources.two_step_mustache
        case .users: PackageResources.users_mustache
        case .verify: PackageResources.verify_mustache
        case .webhook: PackageResources.webhook_mustache
        case .webhookCertificates: PackageResources.webhook_certificates_mustache
        case .webhookFilter: PackageResources.webhook_filter_mustache
        case .webhookForm: PackageResources.webhook_form_mustache
        case .webhookFormat: PackageResources.webhook_format_mustache
        case .webhookHeaders: PackageResources.webhook_headers_mustache
        case .webhookPace: PackageResources.webhook_pace_mustache
        case .webhooks: PackageResources.webhooks_mustache
        case .week: PackageResources.week_mustache
        }
    }
}
