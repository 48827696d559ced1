import Foundation

extension String {
    /// As it may stand in one segment of a path, or in the value of a query.
    package var percentEncoded: String { addingPercentEncoding(withAllowedCharacters: Self.unreserved) ?? "" }

    /// This path with `query` behind it.
    package func with(query: [(String, String)]) -> String {
        let items = query.map { name, value in "\(name)=\(value.percentEncoded)" }
        return items.isEmpty ? self : "\(self)?\(items.joined(separator: "&"))"
    }

    /// RFC 3986 section 2.3.
    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
}
