import Foundation
/// Addresses of pages with a query.
enum PageLink {
    /// `path` with those of `parameters` that are not empty.
    static func to(_ path: String, _ parameters: KeyValuePairs<String, String>) -> String {
        let pairs = parameters.filter { !$0.value.isEmpty }.map { name, value in
            // Percent-encoding to alphanumerics cannot fail.
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
        }
        return pairs.isEmpty ? path : "\(path)?\(pairs.joined(separator: "&"))"
    }
}
