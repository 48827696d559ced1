import CLibPQ

/// What PostgreSQL's own programs are told about a database without their command line, which everybody can read.
package enum PostgresEnvironment {
    /// The variables that stand for a URL, such as PGHOST and PGPASSWORD.
    ///
    /// - Throws: `StorageError.unavailable` when the URL cannot be read, or has a parameter without a variable.
    package static func variables(of url: String) throws -> [String: String] {
        guard let options = PQconninfoParse(url, nil) else {
            throw StorageError.unavailable("The URL of the database cannot be read.")
        }
        defer { PQconninfoFree(options) }
        var variables: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                guard let variable = option.pointee.envvar else {
                    throw StorageError.unavailable(
                        "The URL's parameter \(String(cString: keyword)) cannot be handed to PostgreSQL's programs.")
                }
                variables[String(cString: variable)] = String(cString: value)
            }
            option += 1
        }
        return variables
    }
}
