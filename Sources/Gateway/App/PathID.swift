import Hummingbird
import Storage

extension RequestContext {
    /// The id in the path of a request.
    ///
    /// - Parameters:
    ///   - name: What the route calls it.
    ///   - type: What it is the id of.
    ///   - message: Goes with the refusal.
    /// - Returns: The id; texts of it are in lower case, whatever the path had.
    /// - Throws: ``Refusal`` `.invalid` when it is not a UUID.
    func id<Entity>(_ name: String, of type: ID<Entity>.Type, else message: String) throws(Refusal) -> ID<Entity> {
        if let id = type.init(parameters.get(name) ?? "") { return id }
        throw Refusal(.invalid, message, problems: [name: [FieldErrors.notAnID(name)]])
    }
}
