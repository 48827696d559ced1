import Gateway
import Wire

/// The part of a list that one page shows, and the addresses of the parts before and behind it.
struct ListSlice {
    /// How many rows come before it.
    let skip: Int
    /// The most rows it shows.
    let size: Int

    /// Reads `skip`: what is not a number is the beginning, what is too far is as far as can be.
    ///
    /// - Parameters:
    ///   - parameters: Of the page's address.
    ///   - size: The most rows it shows.
    ///   - most: The most rows that the list can have.
    init(_ parameters: QueryParameters, size: Int, most: Int = Int(Int32.max)) {
        let text = (parameters["skip"] ?? "").trimmed
        // Digits that no integer holds are far away.
        let asked = text.isDigits ? Int(text) ?? most : 0
        (skip, self.size) = (min(asked, most), size)
    }

    /// From its beginning.
    init(size: Int) {
        (skip, self.size) = (0, size)
    }

    var isFirst: Bool { skip == 0 }

    /// What to read: one row more than is shown tells whether there is an older part.
    func page(matching query: String = "") -> Page { Page(skip: skip, limit: size, query: query).withOneMore }

    /// The address of the part before this one; nil at the beginning.
    ///
    /// - Parameter path: The address of the part behind so many rows.
    /// - Returns: The address.
    func newerPage(_ path: (_ skip: Int) -> String) -> String? {
        isFirst ? nil : path(max(0, skip - size))
    }

    /// The address of the part behind this one; nil at the end.
    ///
    /// - Parameters:
    ///   - count: How many rows were read by ``page(matching:)``.
    ///   - path: The address of the part behind so many rows.
    /// - Returns: The address.
    func olderPage(of count: Int, _ path: (_ skip: Int) -> String) -> String? {
        count > size ? path(skip + size) : nil
    }
}
