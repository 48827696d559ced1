#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How long `work` kept this thread's processor busy, which hardly depends on what else the machine does.
package func processorTime(of work: () throws -> Void) rethrows -> Duration {
    func now() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
    let start = now()
    try work()
    return now() - start
}
