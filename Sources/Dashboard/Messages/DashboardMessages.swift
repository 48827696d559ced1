import Gateway
import Hummingbird

/// Every page below `/messages`.
struct DashboardMessages: SignedInPages {
    private let list: ThreadListPages
    private let threads: ThreadPages
    private let forms: MessageForms
    private let messages: MessagePages
    private let bulk: BulkPages
    private let planned: PlannedPages
    private let bulkActions: BulkActionPages
    private let texts: SavedTextPages
    private let work: ThreadWorkPages

    init(
        operations: MessageOperations, callbacks: CallbackOperations, threads: MessageThreadOperations,
        bulk: BulkMessageOperations, texts: SavedTextOperations, receipts: FormReceipts, views: PageViews
    ) {
        list = ThreadListPages(store: operations.store, clock: operations.clock, views: views)
        self.threads = ThreadPages(
            operations: operations, threads: threads, texts: texts, receipts: receipts, views: views)
        work = ThreadWorkPages(threads: threads)
        forms = MessageForms(
            operations: operations, callbacks: callbacks, texts: texts, receipts: receipts, views: views)
        self.texts = SavedTextPages(operations: texts, receipts: receipts, views: views)
        messages = MessagePages(operations: operations, receipts: receipts, views: views)
        planned = PlannedPages(operations: operations, texts: texts, views: views)
        bulkActions = BulkActionPages(operations: bulk)
        self.bulk = BulkPages(operations: bulk, texts: texts, receipts: receipts, views: views)
    }

    func add(to group: RouterGroup<SignedInContext>) {
        list.add(to: group)
        planned.add(to: group)
        threads.add(to: group)
        forms.add(to: group)
        messages.add(to: group)
        bulk.add(to: group)
        bulkActions.add(to: group)
        texts.add(to: group)
        work.add(to: group)
    }
}
