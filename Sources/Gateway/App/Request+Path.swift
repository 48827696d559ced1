import HTTPTypes
import Hummingbird

extension Request {
    /// The request with one slash wherever its path has several in a row.
    ///
    /// The router takes `//v1///messages` for `/v1/messages`, as addresses that end with a slash are often put before paths that begin
    /// with one. Whatever else looks at the path, and what keeps it as the source of an event, must see what the router saw:
    /// anything longer is somebody's way around a rule, or into the store.
    var withSingleSlashes: Request {
        guard let path = head.path, let plain = Self.singleSlashes(in: path) else { return self }
        var head = head
        head.path = plain
        return Request(head: head, body: body)
    }

    /// `path` with single slashes before the query; nil when it has them already.
    private static func singleSlashes(in path: String) -> String? {
        let (slash, query) = (UInt8(ascii: "/"), UInt8(ascii: "?"))
        var plain: [UInt8] = []
        var isQuery = false
        for byte in path.utf8 {
            if byte == query { isQuery = true }
            if byte != slash || isQuery || plain.last != slash { plain.append(byte) }
        }
        return plain.count == path.utf8.count ? nil : String(decoding: plain, as: UTF8.self)
    }
}
