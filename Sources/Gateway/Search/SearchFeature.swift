import ServiceLifecycle
import Storage

/// The search in messages and threads, whose index is filled beside the requests.
struct SearchFeature: Feature {
    static let migrations = SearchText.migrations + SearchIndexQueries.migrations
    let ground: Ground

    var services: [any Service] {
        [
            ground.sweep("search", on: .searches, longestPause: .seconds(60)) { tx in try SearchFillQueries.step(in: tx)
            },
            SearchIndexer(store: ground.store, clock: ground.clock, logger: ground.logger),
        ]
    }
}
