import Foundation
import Gateway
import JSON
import Secrets
import Wire

/// Another httpSMS server, read through its HTTP API.
///
/// Its lists are paged by `skip` and have no end mark, and what is new comes first. So while messages arrive there, what was
/// read moves back and is read again, which is harmless, and what changes moves to the front. Pages therefore overlap, for
/// what is deleted moves all behind it to the front, and a list of more than one page is looked at from its front once more
/// until nothing new is there.
struct OldServer: OldHistory {
    /// Without a slash at its end.
    let url: String
    let key: Secret<String>
    /// Numbers whose conversations are read besides those of the phones there, such as of phones that were deleted.
    var numbers: [String] = []
    var http = OutgoingHTTP.shared
    /// Waits before a request is repeated.
    var pause: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    func read(problem: (String) -> Void, _ take: (OldPage) async throws -> Void) async throws {
        var owners = numbers
        try await list("/v1/phones", [], of: OldPhone.self, id: \.id, problem: problem) { phones in
            for phone in phones where !phone.number.isEmpty { owners.append(phone.number) }
        }
        for owner in owners.unique {
            for thread in try await threads(of: owner, problem: problem) {
                guard !thread.contact.isEmpty else {
                    problem("a conversation of \(owner) has no other party")
                    continue
                }
                let query = [("owner", owner), ("contact", thread.contact)]
                do {
                    try await list("/v1/messages", query, of: OldMessage.self, id: \.id, problem: problem) { messages in
                        try await take(OldPage(messages: messages, threads: [thread]))
                    }
                } catch let error as ImportError where error.kind == .refused {
                    problem("\(owner) with \(thread.contact): \(error)")
                }
            }
        }
    }

    /// All conversations of `owner`; one that is archived while they are read is there once.
    private func threads(of owner: String, problem: (String) -> Void) async throws -> [OldThread] {
        var (threads, ids): ([OldThread], Set<String>) = ([], [])
        for isArchived in ["false", "true"] {
            let query = [("owner", owner), ("is_archived", isArchived)]
            try await list("/v1/message-threads", query, of: OldThread.self, id: \.id, problem: problem) { page in
                threads += page.filter { ids.insert($0.id + "\n" + $0.contact).inserted }
            }
        }
        return threads
    }

    /// Hands on each element of a list once, page after page.
    private func list<Element: Decodable & Sendable>(
        _ path: String, _ query: [(String, String)], of type: Element.Type, id: KeyPath<Element, String>,
        problem: (String) -> Void, _ take: ([Element]) async throws -> Void
    ) async throws {
        var seen: Set<String> = []
        for look in 1...Self.mostLooks {
            var (skip, pages, stale) = (0, 0, 0)
            while true {
                let (elements, limit) = try await page(path, query, skip: skip)
                pages += 1
                var (fresh, nameless): ([Element], [Element]) = ([], [])
                for bytes in elements {
                    // What cannot be read is told of, once.
                    guard let element = try? JSONDecoder().decode(type, fromAnswer: Array(bytes)) else {
                        if look == 1 { problem("GET \(path): an element cannot be read") }
                        continue
                    }
                    if element[keyPath: id].isEmpty {
                        nameless.append(element)
                    } else if seen.insert(element[keyPath: id]).inserted {
                        fresh.append(element)
                    }
                }
                let given = look == 1 ? fresh + nameless : fresh
                if !given.isEmpty { try await take(given) }
                if look > 1, fresh.isEmpty {
                    if pages == 1 { return }
                    break
                }
                // Every server gives 20 at a time if it has them.
                if elements.count < min(limit, 20) { break }
                stale = fresh.isEmpty ? stale + 1 : 0
                guard stale < Self.mostStale, seen.count < Self.mostElements else {
                    problem("GET \(path) of \(query.map(\.1).joined(separator: " with ")) does not end")
                    return
                }
                skip += stale > 0 ? elements.count : elements.count - min(Self.overlap, elements.count / 2)
            }
            if pages == 1 { return }
        }
    }

    /// The elements of a page, as bytes, and how many were asked for: fewer where they are large.
    private func page(
        _ path: String, _ query: [(String, String)], skip: Int
    ) async throws -> (elements: [ArraySlice<UInt8>], limit: Int) {
        for limit in Self.limits {
            let part = [("skip", "\(skip)"), ("limit", "\(limit)")]
            guard let body = try await get(path.with(query: query + part)) else { continue }
            let data = SuccessEnvelope(body).data
            if data.elementsEqual("null".utf8) { return ([], limit) }
            do {
                return (try JSONScanner.elements(of: data), limit)
            } catch {
                throw ImportError(.failed, "\(url)\(path) answered with no list: \(error)")
            }
        }
        throw ImportError(.failed, "\(url)\(path) answers with more than \(Self.largest) bytes for one element")
    }

    /// The body of a success; nil when it is too large.
    private func get(_ path: String) async throws -> [UInt8]? {
        var (failures, refusals) = (0, 0)
        while true {
            do {
                let answer = try await http.get(
                    url + path,
                    headers: [
                        ("x-api-key", key.exposed), ("X-Client-Version", "httpsms-cli/\(ServerVersion.current)"),
                    ], within: Self.limit, upTo: Self.largest)
                switch answer.status {
                case 200..<300: return answer.body
                case 429 where refusals < Self.mostRefusals:
                    refusals += 1
                    try await pause(.seconds(min(max(answer.retryAfter ?? 5, 0), Self.longestWait)))
                    continue
                case 500... where failures < Self.mostFailures: break
                default: throw refusal(answer)
                }
            } catch let error as ImportError {
                throw error
            } catch let error as CancellationError {
                throw error
            } catch  where failures >= Self.mostFailures {
                throw ImportError(.unreachable, "\(url) cannot be reached: \(error)")
            } catch {
                // Tried again.
            }
            failures += 1
            try await pause(.seconds(min(1 << failures, 30)))
        }
    }

    private func refusal(_ answer: OutgoingHTTP.Answer) -> ImportError {
        let reason = answer.body.flatMap { ErrorEnvelope($0)?.message } ?? "it gave no reason"
        let text = "\(url) answered \(answer.status): \(reason)".printableLines
        return switch answer.status {
        case 300..<400:
            ImportError(
                .refused, "\(url) redirects to \(answer.location ?? "somewhere else"): give that address".printableLines
            )
        case 401, 403: ImportError(.unauthorised, text)
        case 404: ImportError(.refused, text + ". Is that an httpSMS server?")
        case 500...: ImportError(.failed, text)
        default: ImportError(.refused, text)
        }
    }

    /// For a request with its answer.
    private static let limit: Duration = .seconds(60)
    /// 32 MiB; a hundred usual messages have 100 KB.
    private static let largest = 32 << 20
    /// Elements of a page: as many as httpSMS's own pages ask for, and fewer where their texts are large.
    private static let limits = [100, 10, 1]
    /// Elements that two pages have in common.
    private static let overlap = 10
    /// Looks at the front of a list; more change only where messages arrive all the time, and the next import has those.
    private static let mostLooks = 5
    /// Full pages without anything new, until a server counts as one that does not know `skip`.
    private static let mostStale = 5
    /// Of one list: 40 bytes of memory each.
    private static let mostElements = 5_000_000
    /// Two to 30 s apart, some two minutes.
    private static let mostFailures = 7
    /// Of one request.
    private static let mostRefusals = 60
    /// What a `Retry-After` is believed, in seconds.
    private static let longestWait = 300
}
