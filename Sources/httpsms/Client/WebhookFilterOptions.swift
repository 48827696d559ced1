import ArgumentParser
import Client

/// Which events of its types and numbers a webhook gets. What is given replaces the whole filter.
struct WebhookFilterOptions: ParsableArguments {
    @Option(help: "Only events of this other party, such as '+49*'; may be given more than once, as the others.")
    var onlyFrom: [String] = []

    @Option(help: "Only texts that contain this.")
    var onlyContaining: [String] = []

    @Option(help: "Only texts with this word.")
    var onlyWord: [String] = []

    @Option(help: "Only texts that fit this regular expression; given once.")
    var onlyPattern: String?

    @Option(help: "Only events of SIM1 or SIM2.", completion: .list(["SIM1", "SIM2"]))
    var onlySim: [String] = []

    @Option(help: "Only what happens at this time of the day, such as 22:00-06:30, in the account's time zone.")
    var onlyBetween: [String] = []

    @Flag(help: "Let all events of its types and numbers through.")
    var noFilters = false

    private var hasFilters: Bool {
        ![onlyFrom, onlyContaining, onlyWord, onlySim, onlyBetween].allSatisfy(\.isEmpty) || onlyPattern != nil
    }

    func validate() throws {
        if noFilters, hasFilters { throw ValidationError("--no-filters goes without --only-from and the like") }
    }

    /// The filter that is asked for; nil leaves it as it is.
    var filters: WebhookFilters?? {
        guard hasFilters else { return noFilters ? .some(nil) : nil }
        var filters = WebhookFilters()
        (filters.contacts, filters.contains, filters.words) = (onlyFrom, onlyContaining, onlyWord)
        (filters.pattern, filters.sims, filters.times) = (onlyPattern, onlySim, onlyBetween)
        return .some(filters)
    }
}
