import Delivery
import Logging
import Storage

extension UnreadableRows {
    /// Tells `logger` of rows that cannot be read, and counts them in `metrics`, as those of a server's store.
    package convenience init(metrics: DeliveryMetrics, logger: Logger) {
        self.init()
        tell(logger) { metrics.unreadable() }
    }
}
