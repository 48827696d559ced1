#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The system's words for an error number.
enum SystemErrorText {
    /// As in "Connection refused".
    static func of(_ code: Int32) -> String { String(cString: strerror(code)) }
}
