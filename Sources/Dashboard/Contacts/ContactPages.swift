import Delivery
import Gateway
import Hummingbird
import Storage
import Timestamps
import Wire

/// Whom the account knows by name: the list, and the form that adds and changes a contact.
struct ContactPages: SignedInPages {
    let operations: ContactOperations
    let receipts: FormReceipts
    let views: PageViews
    let files: ContactFilePages

    init(operations: ContactOperations, receipts: FormReceipts, uploads: UploadQueue, views: PageViews) {
        (self.operations, self.receipts, self.views) = (operations, receipts, views)
        files = ContactFilePages(operations: operations, uploads: uploads, views: views)
    }

    static let path = "/contacts"

    static func path(of id: ContactID) -> String { "\(path)/\(id)" }

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/contacts", use: list)
        group.get("/contacts/new") { request, context in
            let parameters = QueryParameters(request)
            var fields = Fields()
            fields.numbers = (parameters["number"] ?? "").trimmed
            fields.thread = parameters["thread"] ?? ""
            return show(fields, id: nil, context)
        }
        group.post("/contacts/new") { _, context in try await save(nil, context) }
        files.add(to: group)
        group.get("/contacts/:contactID") { request, context in
            let contact = try await find(context)
            var fields = Fields(contact)
            fields.thread = QueryParameters(request)["thread"] ?? ""
            return show(fields, id: contact.id, context)
        }
        group.post("/contacts/:contactID") { _, context in try await save(find(context), context) }
        group.post("/contacts/:contactID/delete") { _, context in
            guard try await operations.delete(find(context).id, userID: context.userID) else {
                throw PageError.notFound
            }
            return Response.seeOther(Self.path, .deleted)
        }
    }

    private func find(_ context: SignedInContext) async throws -> Contact {
        let id = try context.id("contactID", of: ContactID.self)
        guard let contact = try await operations.find(id, userID: context.userID) else { throw PageError.notFound }
        return contact
    }

    private struct ListContent {
        let contacts: [Line]
        let query: String
        let isSearch: Bool
        let total: String
        let isOne: Bool
        let isEmpty: Bool
        let problem: String?
        let newerPage: String?
        let olderPage: String?
    }

    private struct Line {
        let path: String
        let name: String
        let numbers: [Number]
        let emails: String?
        let note: String?

        struct Number {
            let shown: String
            let number: String
            let writePath: String
        }

        init(_ contact: Contact) {
            path = ContactPages.path(of: contact.id)
            name = contact.name
            numbers = contact.numbers.map { number in
                Number(
                    shown: PageParty.number(number), number: PageParty.digits(number),
                    writePath: PageLink.to("/messages/new", ["to": number]))
            }
            emails = contact.emails.isEmpty ? nil : contact.emails.joined(separator: ", ")
            note = contact.note.isEmpty ? nil : contact.note.firstScalars(200)
        }
    }

    private func list(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let parameters = QueryParameters(request)
        let slice = ListSlice(parameters, size: 30, most: Contact.mostOfAccount)
        let query = (parameters["query"] ?? "").trimmed
        var errors = FieldErrors()
        errors.requireCharacters("query", query, max: 100)
        let problem = errors.messages.values.flatMap(\.self).first.map { PageProblems.plain($0, at: "query") }
        let (contacts, total) =
            try await problem == nil
            ? operations.list(slice.page(matching: query), userID: context.userID) : (contacts: [], total: 0)
        func path(skip: Int) -> String {
            PageLink.to(Self.path, ["query": query, "skip": skip > 0 ? String(skip) : ""])
        }
        return views.page(
            .contacts, "Contacts",
            ListContent(
                contacts: contacts.prefix(slice.size).map(Line.init), query: query,
                isSearch: !query.isEmpty, total: Figure.shown(Int64(total)), isOne: total == 1,
                isEmpty: total == 0 && query.isEmpty,
                problem: problem, newerPage: slice.newerPage(path),
                olderPage: slice.olderPage(of: contacts.count, path)),
            context, status: problem == nil ? .ok : .unprocessableContent)
    }

    /// What the fields hold.
    private struct Fields {
        var name = ""
        /// One a line, as the e-mail addresses.
        var numbers = ""
        var emails = ""
        var note = ""
        /// The conversation that somebody came from.
        var thread = ""

        init() {}

        init(_ form: PageForm) {
            name = form.text("name")
            numbers = form.text("numbers")
            emails = form.text("emails")
            note = form.text("note")
            thread = form.text("thread")
        }

        init(_ contact: Contact) {
            name = contact.name
            numbers = contact.numbers.joined(separator: "\n")
            emails = contact.emails.joined(separator: "\n")
            note = contact.note
        }

        /// What they ask for; what the form does not show stays as it is.
        func draft(properties: [String: String]) -> ContactDraft {
            var properties = properties
            properties[Contact.noteProperty] = note.isEmpty ? nil : note
            return ContactDraft(
                name: name, emails: emails.split(whereSeparator: \.isNewline).map(String.init),
                phoneNumbers: numbers.split(whereSeparator: \.isNewline).map(String.init), properties: properties)
        }

        /// Where to go on.
        var back: String { MessageThreadID(thread).map(ThreadPages.path(of:)) ?? ContactPages.path }
    }

    private struct Content {
        let title: String
        let action: String
        let deletePath: String?
        let fields: Fields
        let back: String
        let once: String
        let problem: String?
        let nameProblems: [String]
        let numberProblems: [String]
        let emailProblems: [String]
        let noteProblems: [String]
    }

    private func show(
        _ fields: Fields, id: ContactID?, _ context: SignedInContext, problem: String? = nil,
        problems: [ContactProblem] = []
    ) -> Response {
        func words(_ field: ContactProblem.Field) -> [String] {
            problems.filter { $0.field == field }.map(\.words).unique
        }
        let title = id == nil ? "New contact" : "Contact"
        return views.page(
            .contactForm, title,
            Content(
                title: title, action: id.map(Self.path(of:)) ?? "\(Self.path)/new",
                deletePath: id.map { "\(Self.path(of: $0))/delete" }, fields: fields, back: fields.back,
                once: FormReceipts.token(),
                problem: problem ?? (problems.isEmpty ? nil : "Nothing was saved. Check the highlighted fields."),
                nameProblems: words(.name), numberProblems: words(.numbers), emailProblems: words(.emails),
                noteProblems: words(.note)),
            context, status: problem == nil && problems.isEmpty ? .ok : .unprocessableContent)
    }

    /// Adds a contact, or changes the one that is there.
    private func save(_ contact: Contact?, _ context: SignedInContext) async throws -> Response {
        let (fields, userID) = (Fields(context.form), context.userID)
        let draft = fields.draft(properties: contact?.properties ?? [:])
        let problems = try await operations.problems(of: draft, userID: userID)
        if !problems.isEmpty { return show(fields, id: contact?.id, context, problems: problems) }
        do {
            if let contact {
                let changed = try await operations.update(contact.id, draft, userID: userID)
                guard changed != nil else { throw PageError.notFound }
            } else {
                _ = try await operations.create([draft], userID: userID, receipt: receipts.receipt(of: context))
            }
        } catch is Replayed {
            // It was added by the first of two clicks.
        } catch let refusal as Refusal where refusal.kind == .quota || refusal.kind == .invalid {
            return show(fields, id: contact?.id, context, problem: refusal.message)
        }
        return .seeOther(fields.back, .saved)
    }
}
