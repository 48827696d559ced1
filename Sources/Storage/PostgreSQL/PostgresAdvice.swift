import CLibPQ

/// What an operator reads when a connection cannot be made: libpq's words without the password, and what to fix.
enum PostgresAdvice {
    /// Why `url` is not used; nil when it can be. It never holds a part of the URL: libpq would show pieces of a password
    /// that is not escaped as those of a host or a port.
    static func refusal(of url: String) -> String? {
        let unreadable = """
            DATABASE_URL cannot be read as postgres://<user>:<password>@<host>/<database>?<parameters>: what is special in a \
            user name or a password must be escaped, such as @ as %40, / as %2F, : as %3A and % as %25
            """
        if let start = url.firstRange(of: "://")?.upperBound {
            let withoutParameters = url[start...].prefix { $0 != "?" }
            if withoutParameters.count(where: { $0 == "@" }) > 1 { return unreadable }
            let authority = withoutParameters.prefix { $0 != "/" }
            if !authority.contains("@"), withoutParameters.contains("@") { return unreadable }
        }
        guard let options = PQconninfoParse(url, nil) else { return unreadable }
        PQconninfoFree(options)
        return nil
    }

    /// libpq's `message` about connecting to `url`, followed by advice where there is some.
    static func explain(_ message: String, url: String) -> String {
        let lines = message.replacing("\t", with: "").split(separator: "\n")
        var text = lines.joined(separator: "; ")
        if let password = password(in: url), !password.isEmpty { text = text.replacing(password, with: "***") }
        guard let advice = advice.first(where: { text.contains($0.words) })?.advice else { return text }
        return (text.last == "?" || text.last == "." ? text : text + ".") + " " + advice
    }

    /// By words of libpq and of the server; the first that fits is taken.
    private static let advice: [(words: String, advice: String)] = [
        ("password authentication failed", "Look at the user and the password in DATABASE_URL."),
        ("no password supplied", "Add the password to DATABASE_URL, or give it in PGPASSWORD or ~/.pgpass."),
        (
            "certificate verify failed",
            "sslrootcert in DATABASE_URL must name the certificate of the authority that issued the server's."
        ),
        ("root certificate file", "sslrootcert in DATABASE_URL must name the certificate of the server's authority."),
        ("does not match host name", "The host in DATABASE_URL must be one that the server's certificate is for."),
        ("server does not support SSL", "Turn on ssl in postgresql.conf, or take sslmode out of DATABASE_URL."),
        (
            "no pg_hba.conf entry",
            "Allow this user, database and address in pg_hba.conf; hostssl lines ask for sslmode=require."
        ),
        ("session is read-only", "None of the hosts in DATABASE_URL takes writes: is there a primary among them?"),
        (
            "unsupported startup parameter",
            "A pooler refuses a parameter of DATABASE_URL: take it out, or let the pooler ignore it."
        ),
        ("Connection refused", "PostgreSQL must run there and listen on that address."),
        ("could not translate host name", "Look at the host in DATABASE_URL."),
        (
            "the encoding of the database",
            "Make another one that holds every text: createdb --encoding UTF8 --template template0 <database>."
        ),
        ("database \"", "Make the database first: createdb --owner <user> <database>."),
    ]

    private static func password(in url: String) -> String? {
        guard let options = PQconninfoParse(url, nil) else { return nil }
        defer { PQconninfoFree(options) }
        var option = options
        while let keyword = option.pointee.keyword {
            if String(cString: keyword) == "password" { return option.pointee.val.map { String(cString: $0) } }
            option += 1
        }
        return nil
    }
}
