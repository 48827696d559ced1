/// The version of the programs in this package: server, commands and simulators are released together.
package enum ServerVersion {
    /// As `--version`, `User-Agent` and the pages tell it.
    package static let current = "0.2.0"
}
