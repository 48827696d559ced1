/// Keeps a chat from reading more into a text than its characters. There is one for each chat that would, and it writes all of
/// a message: what is in a title, such as the name of a contact, is as much anybody's as what is in an SMS.
protocol ChatEscaping {
    /// How `scalar` is written; nil for as it is. To be called for one after the other, from the beginning of the text.
    mutating func escape(_ scalar: Unicode.Scalar) -> String?
}

/// A word joiner: it is not seen, does not break the line, and belongs to no name.
private let joiner = "\u{2060}"

/// Text for Slack and for chats that take its incoming webhooks, such as Mattermost and Rocket.Chat.
///
/// Slack itself reads only what stands between `<` and `>`, with `&` for an escape (docs.slack.dev/messaging/formatting-message-text).
/// Mattermost ignores `link_names` and `mrkdwn`: `@channel`, `@here`, `@all` and names ping there after anything that is no
/// letter or digit, so also in `see.@here`, and `[words](address)` is a link. A backslash would be seen in Slack.
struct SlackText: ChatEscaping {
    private var mentions = MentionBreaker()

    mutating func escape(_ scalar: Unicode.Scalar) -> String? {
        let unpinged = mentions.escape(scalar)
        return switch scalar {
        case "&": "&amp;"
        case "<": "&lt;"
        case ">": "&gt;"
        // Neither `[a](b)` nor `[a][b]` nor `[b]: c`.
        case "]": "]" + joiner
        default: unpinged
        }
    }
}

/// Text for Telegram without `parse_mode`. The server finds names and commands by itself (td/telegram/MessageEntity.cpp): who
/// is named is told, and a command is sent to a bot by a touch.
struct TelegramText: ChatEscaping {
    private var mentions = MentionBreaker()
    private var commands = CommandBreaker()

    mutating func escape(_ scalar: Unicode.Scalar) -> String? {
        let unpinged = mentions.escape(scalar)
        return commands.escape(scalar) ?? unpinged
    }
}

/// The plain body of a message in Matrix. `m.mentions` decides who is told since version 1.7 of the specification; homeservers and
/// clients before it look for `@room` and names in the text.
struct MatrixText: ChatEscaping {
    private var mentions = MentionBreaker()

    mutating func escape(_ scalar: Unicode.Scalar) -> String? { mentions.escape(scalar) }
}

/// Markdown of Discord: escapes all but the characters of plain addresses, which a backslash would change.
struct DiscordText: ChatEscaping {
    private var word = ""

    mutating func escape(_ scalar: Unicode.Scalar) -> String? {
        if scalar.properties.isWhitespace {
            word = ""
            return nil
        }
        let isAddress = word == "http://" || word == "https://"
        if !isAddress, word.unicodeScalars.count < 8 { word.unicodeScalars.append(scalar) }
        switch scalar {
        // What makes a mention, a spoiler, a block of code or an address behind other words.
        case "\\", "<", ">", "[", "]", "`", "|": return "\\" + String(scalar)
        case "*", "_", "~", "#": return isAddress ? nil : "\\" + String(scalar)
        default: return nil
        }
    }
}

/// Separates `@` from the name behind it. Only that of an e-mail address stays, behind an ASCII letter or digit: no chat takes it
/// for a mention there, and what chats count as a letter beyond these differs.
private struct MentionBreaker {
    private var isBehindWord = false

    mutating func escape(_ scalar: Unicode.Scalar) -> String? {
        defer { isBehindWord = scalar.isASCIIWord && scalar != "_" }
        return scalar == "@" && !isBehindWord ? "@" + joiner : nil
    }
}

/// Separates `/` from the command behind it, but leaves `https://a.example/b`, `1/2` and `and/or` alone.
private struct CommandBreaker {
    private var last: Unicode.Scalar?
    private var isCommand = false

    mutating func escape(_ scalar: Unicode.Scalar) -> String? {
        defer {
            let isInside = last.map { $0.isASCIIWord || $0 == "/" } ?? false
            isCommand = scalar == "/" && !isInside
            last = scalar
        }
        return isCommand && scalar.isASCIIWord ? joiner + String(scalar) : nil
    }
}

extension Unicode.Scalar {
    fileprivate var isASCIIWord: Bool {
        switch self {
        case "a"..."z", "A"..."Z", "0"..."9", "_": true
        default: false
        }
    }
}
