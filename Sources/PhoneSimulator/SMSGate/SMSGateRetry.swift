import Timestamps

/// The app's retry tables. All of them judge alike: 2xx is success, anything else and no answer at all are not.
///
/// | what | waits | tries |
/// |---|---|---|
/// | registration, pull, lists (WorkManager) | 10 s, doubling, 5 h at most | without end |
/// | report (SendStateWorker.kt:51-59) | 10 s, doubling | 11, over 2.8 h |
/// | hook (WebhookQueueRepository.kt:78-102) | 5 s, doubling | 16, over 45.5 h |
/// | stream (SSEManager.kt:99-118) | 5 s five times, 30 s five times, 60 s | without end, counted from the last success |
package enum SMSGateRetry {
    /// How long WorkManager waits after this many failures in a row, from 1.
    package static func work(failures: Int) -> Duration {
        .seconds(min(10 * powerOfTwo(failures - 1), 18_000))
    }

    /// How long a report waits after this many failures; nil when it is dropped.
    package static func report(failures: Int) -> Duration? {
        failures <= 10 ? work(failures: failures) : nil
    }

    /// How long a hook waits after this many failures; nil when it is deleted. `retries` is `webhooks.retry_count`.
    package static func hook(failures: Int, retries: Int = 15) -> Duration? {
        failures <= retries ? .seconds(5 * powerOfTwo(failures - 1)) : nil
    }

    /// How long the stream waits before it is opened again, after this many ends in a row.
    package static func stream(attempts: Int) -> Duration {
        attempts > 10 ? .seconds(60) : attempts > 5 ? .seconds(30) : .seconds(5)
    }

    private static func powerOfTwo(_ exponent: Int) -> Int { 1 << min(max(exponent, 0), 40) }
}
