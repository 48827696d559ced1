import Delivery
import Gateway
import Hummingbird
import Storage
import Timestamps
import Wire

/// The form that sends a message, now or later. What the API says of a field stands at that field.
struct MessageForms: Sendable {
    let operations: MessageOperations
    let callbacks: CallbackOperations
    let texts: SavedTextOperations
    let receipts: FormReceipts
    let views: PageViews

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/messages/new") { request, context in
            let parameters = QueryParameters(request)
            var fields = Fields()
            fields.from = PhoneNumber.address(parameters["from"] ?? "")
            fields.to = (parameters["to"] ?? "").trimmed
            fields.text = parameters["text"] ?? ""
            return try await show(fields, context)
        }
        group.post("/messages/new") { _, context in try await send(context) }
        group.post("/messages/new/text") { _, context in try await fill(context) }
    }

    /// What the fields hold.
    private struct Fields {
        var from = ""
        var to = ""
        var content = ""
        var sendAt = ""
        var requestID = ""
        var callbackURL = ""
        /// One a line.
        var attachments = ""
        /// The saved text that was chosen last.
        var text = ""

        init() {}

        init(_ form: PageForm) {
            from = form.text("from")
            to = form.text("to")
            content = form.text("content")
            sendAt = form.text("send_at")
            requestID = form.text("request_id")
            callbackURL = form.text("callback_url")
            attachments = form.text("attachments")
            text = form.text("text")
        }

        /// What the fields ask for.
        ///
        /// - Throws: ``Refusal`` `.invalid` when the time is none, or long past.
        func draft(_ times: PageTimes) throws(Refusal) -> MessageOperations.Draft {
            let time = times.time(ofField: sendAt)
            if !sendAt.isEmpty, time == nil {
                var errors = FieldErrors()
                errors.add("send_at", "Choose a date and a time, such as 2026-07-22T10:00.")
                try errors.check("validation errors while sending message")
            }
            if let time, time.isLongPast(at: times.now) {
                var errors = FieldErrors()
                errors.add("send_at", "The time is more than an hour in the past. Leave it empty to send now.")
                try errors.check("validation errors while sending message")
            }
            return MessageOperations.Draft(
                reading: from, to: to, content: content,
                attachments: attachments.split(whereSeparator: \.isNewline).map(String.init), isEncrypted: false,
                requestID: requestID, sendAt: time)
        }
    }

    /// A number of the address book that the other party may be chosen by.
    private struct Suggestion {
        let number: String
        let name: String
    }

    private struct Content {
        let numbers: [Choice]
        let hasNumbers: Bool
        /// The zone that times are in.
        let zone: String
        /// The numbers that something is to be done about before messages are sent as they should be.
        let troubles: [ReachLine]
        let fields: Fields
        /// The numbers of the contacts that were changed last.
        let suggestions: [Suggestion]
        let choice: TextChoice
        /// Where the form goes that asks for a text to be put in.
        let fillPath = "/messages/new/text"
        /// Whether a saved text was put in just now.
        let isFilled: Bool
        /// How many SMS the text takes; nil while there is none.
        let parts: String?
        let hasMore: Bool
        let once: String
        let back: String
        let problem: String?
        let fromProblems: [String]
        let toProblems: [String]
        let contentProblems: [String]
        let sendAtProblems: [String]
        let requestIDProblems: [String]
        let callbackProblems: [String]
        let attachmentProblems: [String]
    }

    /// Puts the text that was chosen into the form, and sends nothing.
    private func fill(_ context: SignedInContext) async throws -> Response {
        var fields = Fields(context.form)
        let number = PhoneNumber.contact(fields.to, owner: PhoneNumber.address(fields.from))
        guard let id = SavedTextID(fields.text),
            let filled = try await texts.filled(id, for: number, userID: context.userID)
        else { return try await show(fields, context, refusal: TextChoice.none) }
        fields.content = filled.text
        return try await show(fields, context, missing: filled.missing, isFilled: true)
    }

    private func send(_ context: SignedInContext) async throws -> Response {
        let fields = Fields(context.form)
        let userID = context.userID
        do {
            let now = operations.clock.now()
            let draft = try fields.draft(context.page.times)
            try draft.check(at: now)
            let left = try await texts.placeholders(leftIn: draft.content, for: draft.to, userID: userID)
            if !left.isEmpty { return try await show(fields, context, refusal: TextChoice.unfilled, missing: left) }
            let callback = try await callbacks.callback(
                fields.callbackURL, userID: userID, message: "validation errors while sending message")
            do {
                _ = try await operations.send(
                    draft, callback: callback, userID: userID, source: MessagePages.sendSource,
                    receipt: receipts.receipt(of: context))
            } catch is Replayed {
                // It was sent by the first of two clicks, and is in the conversation.
            }
            return .seeOther(
                try await ThreadPages.path(
                    owner: draft.from, contact: draft.to, userID: userID, in: operations.store))
        } catch let refusal as Refusal where refusal.kind == .invalid {
            return try await show(fields, context, refusal: refusal)
        }
    }

    /// Shows the form. `missing` are placeholders without a value.
    private func show(
        _ fields: Fields, _ context: SignedInContext, refusal: Refusal? = nil, missing: [String] = [],
        isFilled: Bool = false
    ) async throws -> Response {
        let userID = context.userID
        let (owned, troubles, choice, contacts) = try await operations.store.read(.user(userID)) {
            [pushes = operations.pushes] tx in
            (
                try PhoneNumbers.list(of: userID, in: tx),
                try ReachLine.troubles(of: userID, pushes: pushes, in: tx),
                try TextChoice(of: userID, chosen: fields.text, in: tx),
                try ContactQueries.list(
                    userID: userID, page: Page(skip: 0, limit: Self.mostSuggestions, query: ""), in: tx)
            )
        }
        let suggestions = contacts.flatMap { contact in
            contact.numbers.map { Suggestion(number: $0, name: contact.name.firstScalars(100)) }
        }
        // One that is chosen stays visible, whether or not it is among those.
        let numbers = (owned + (fields.from.isEmpty ? [] : [fields.from])).unique
        let problems = PageProblems.all(refusal)
        return views.page(
            .messageForm, "New message",
            Content(
                numbers: Choice.phones(numbers, chosen: fields.from), hasNumbers: !owned.isEmpty,
                zone: context.page.times.zoneName,
                troubles: troubles, fields: fields, suggestions: Array(suggestions.prefix(Self.mostSuggestions)),
                choice: choice, isFilled: isFilled,
                parts: fields.content.isEmpty ? nil : SMSParts(ofField: fields.content).words,
                hasMore: !(fields.requestID + fields.callbackURL + fields.attachments).isEmpty,
                once: FormReceipts.token(),
                back: PageLink.to("/messages", ["owner": fields.from]),
                problem: refusal.map {
                    problems.isEmpty ? $0.message : "The message was not sent. Check the highlighted fields."
                },
                fromProblems: problems["from"] ?? [], toProblems: problems["to"] ?? [],
                contentProblems: (problems["content"] ?? []) + TextChoice.words(missing),
                sendAtProblems: problems["send_at"] ?? [],
                requestIDProblems: problems["request_id"] ?? [], callbackProblems: problems["callback_url"] ?? [],
                attachmentProblems: problems["attachments"] ?? []),
            context, status: refusal?.status ?? .ok)
    }

    /// Some 3 kB of the page: those that were changed last.
    private static let mostSuggestions = 50
}
