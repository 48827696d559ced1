import Foundation

/// Addresses of pages with a query.
enum PageLink {
    /// `path` with those of `parameters` that are not empty.
    static func to(_ path: String, _ parameters: KeyValuePairs<String, String>) -> String {
        let pairs = parameters.filter { !$0.value.isEmpty }.map { name, value in
            // Letters and digits always can be encoded, and what is none can be turned into them.
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
        }
        return pairs.isEmpty ? path : "\(path)?\(pairs.joined(separator: "&"))"
    }
}
