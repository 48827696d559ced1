import Storage

/// The log of events, as a list and as a stream.
package struct EventFeature: Feature {
    /// Events as they happen.
    package let stream: EventStream
    private let store: any Store

    init(_ ground: Ground) {
        store = ground.store
        stream = EventStream(store: ground.store, identities: ground.identities)
    }

    func add(to routes: APIRoutes) {
        EventRoutes(store: store, stream: stream).add(to: routes.users)
    }
}
