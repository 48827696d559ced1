/// What the migrator applies and records as one: the statements of a migration, or one of its indexes.
struct MigrationStep: Sendable {
    enum Work: Sendable {
        case statements([SQL])
        case index(TableIndex)
    }

    let id: String
    let work: Work
    let isAdditive: Bool
    /// 16 hexadecimal digits that change with the text of the statements, the same on every engine.
    let checksum: String

    init(id: String, work: Work, isAdditive: Bool) {
        self.id = id
        self.work = work
        self.isAdditive = isAdditive
        checksum = Self.checksum(of: work.texts)
    }

    /// Runs it in `transaction`, which holds the lock of migrations. May be repeated.
    func run(in transaction: any Transaction) throws {
        switch work {
        case .statements(let statements): for statement in statements { try transaction.run(statement) }
        case .index(let index): try transaction.build(index)
        }
    }

    /// FNV-1a (RFC 9923): it is there to notice edits, not to resist anybody.
    private static func checksum(of statements: [SQL]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ text: String) {
            // A byte that is in no UTF-8 text ends each run, so that moving text between runs is noticed.
            for byte in text.utf8 + [0xff] { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        }
        for statement in statements {
            for part in statement.parts {
                switch part {
                case .text(let text): add(text)
                case .bind(let value): add("bind \(value)")
                case .fragment(let fragment): add("fragment \(fragment)")
                }
            }
            add(";")
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension MigrationStep.Work {
    fileprivate var texts: [SQL] {
        switch self {
        case .statements(let statements): statements
        case .index(let index): [index.creation("")]
        }
    }
}
