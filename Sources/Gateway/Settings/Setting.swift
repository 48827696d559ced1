import Storage

/// One setting of the server: its variable, all that is said of it, and how its text is read.
///
/// `serve --help`, `docs/settings.md`, the error about a value that cannot be read, and the tests of settings are made of
/// ``SettingTable``; nothing is said of a setting anywhere else.
package struct Setting<Value: Sendable>: AnySetting {
    package let variable: String
    package let flag: String?
    package let standard: SettingStandard
    package let expected: String?
    package let meaning: String
    /// What holds where nothing is set.
    let absent: Value
    private let parse: @Sendable (String) throws(OperatorFile.Unreadable) -> Value?

    /// - Parameters:
    ///   - variable: The environment variable.
    ///   - flag: The flag of `serve` that stands in for it; nil when there is none.
    ///   - standard: What holds where nothing is set, as one would set it.
    ///   - expected: What a value may be: the end of "cannot be read: it must be". Nil when any text can be read.
    ///   - meaning: What it does, a sentence or more, as Markdown whose links start at `docs`.
    ///   - parse: Reads a text that is not empty; nil when it is no value.
    init(
        _ variable: String, flag: String? = nil, standard: String, expected: String? = nil, _ meaning: String,
        _ parse: @escaping @Sendable (String) -> Value?
    ) {
        guard let absent = parse(standard) else { preconditionFailure("\(standard) is no value of \(variable)") }
        self.init(
            variable: variable, flag: flag, standard: .value(standard), expected: expected, meaning: meaning,
            absent: absent, parse: parse)
    }

    /// A setting that has no value where nothing is set; `without` says in words what holds then.
    init<Wrapped>(
        _ variable: String, flag: String? = nil, without: String, expected: String? = nil, _ meaning: String,
        _ parse: @escaping @Sendable (String) throws(OperatorFile.Unreadable) -> Wrapped?
    ) where Value == Wrapped? {
        self.init(
            variable: variable, flag: flag, standard: .words(without), expected: expected, meaning: meaning,
            absent: nil
        ) { text throws(OperatorFile.Unreadable) -> Wrapped?? in
            guard let value = try parse(text) else { return nil }
            return .some(.some(value))
        }
    }

    /// A list of what `parse` reads, separated by commas, and empty where nothing is set.
    init<Element>(
        _ variable: String, list without: String, expected: String, _ meaning: String,
        _ parse: @escaping @Sendable (String) -> Element?
    ) where Value == [Element] {
        self.init(
            variable: variable, flag: nil, standard: .words(without), expected: expected, meaning: meaning, absent: []
        ) { text in SettingTable.list(text, parse) }
    }

    private init(
        variable: String, flag: String?, standard: SettingStandard, expected: String?, meaning: String,
        absent: Value, parse: @escaping @Sendable (String) throws(OperatorFile.Unreadable) -> Value?
    ) {
        self.variable = variable
        self.flag = flag
        self.standard = standard
        self.expected = expected
        self.meaning = meaning
        self.absent = absent
        self.parse = parse
    }

    package func value(of text: String) throws(ConfigurationError) -> any Sendable {
        let value: Value?
        do throws(OperatorFile.Unreadable) {
            value = try parse(text)
        } catch {
            throw ConfigurationError(variable: variable, trouble: error.description, expected: refusal.expected)
        }
        if let value { return value }
        throw refusal
    }

    /// What is thrown for a text that is no value.
    var refusal: ConfigurationError { ConfigurationError(variable: variable, expected: expected ?? "a text") }
}

/// What holds where nothing is set.
package enum SettingStandard: Sendable {
    /// A value that could be set as it is.
    case value(String)
    /// What happens, in words.
    case words(String)
}

/// A setting, whatever its value is.
package protocol AnySetting: Sendable {
    /// The environment variable.
    var variable: String { get }
    /// The flag of `serve` that stands in for the variable; nil when there is none.
    var flag: String? { get }
    /// What holds where nothing is set.
    var standard: SettingStandard { get }
    /// What a value may be: the end of "cannot be read: it must be". Nil when any text can be read.
    var expected: String? { get }
    /// What it does, a sentence or more, as Markdown whose links start at `docs`.
    var meaning: String { get }

    /// Reads a text that is not empty.
    ///
    /// - Throws: ``ConfigurationError`` when it is no value.
    func value(of text: String) throws(ConfigurationError) -> any Sendable
}

/// A variable that holds what it should not. Its value is not shown, as it may be a secret, but for the path of a file.
package struct ConfigurationError: Error, CustomStringConvertible {
    /// The variable.
    package let variable: String
    /// What is wrong with it, after its name.
    private let trouble: String
    /// What it may hold.
    package let expected: String

    /// Says which variable, and what it may hold.
    package init(variable: String, trouble: String = "cannot be read", expected: String) {
        self.variable = variable
        self.trouble = trouble
        self.expected = expected
    }

    package var description: String { "\(variable) \(trouble): it must be \(expected)" }
}
