import Delivery
import Gateway
import Hummingbird
import Storage

/// What is done with a device on the page of its number: connecting it again, asking for its inbox, locking it out, and removing
/// it.
struct DevicePages: SignedInPages {
    let operations: DeviceOperations
    /// What URLs that we hand out begin with, given what a trusted proxy says.
    let appURL: @Sendable (_ told: String?) -> String

    static let path = "/phones/devices"

    func add(to group: RouterGroup<SignedInContext>) {
        group.post("/phones/devices/:deviceID/pair") { _, context in
            let pairing = try await operations.pairAgain(
                context.id("deviceID", of: DeviceID.self), url: appURL(context.page.origin.baseURL) + Device.path,
                userID: context.userID)
            guard let pairing else { throw PageError.notFound }
            return Response.seeOther(FreshPairing.pagePath(pairing.privateToken))
        }
        group.post("/phones/devices/:deviceID/inbox") { _, context in
            let id: DeviceID = try context.id("deviceID", of: DeviceID.self)
            guard try await operations.askForInbox(id, userID: context.userID) else { throw PageError.notFound }
            return Response.seeOther(Self.back(context))
        }
        group.post("/phones/devices/:deviceID/revoke") { _, context in
            guard try await operations.revoke(context.id("deviceID", of: DeviceID.self), userID: context.userID) else {
                throw PageError.notFound
            }
            return Response.seeOther(Self.back(context))
        }
        group.post("/phones/devices/:deviceID/delete") { _, context in
            guard try await operations.delete(context.id("deviceID", of: DeviceID.self), userID: context.userID) else {
                throw PageError.notFound
            }
            return Response.seeOther(Self.back(context))
        }
    }

    /// The phone whose page the form was on.
    private static func back(_ context: SignedInContext) -> String {
        PhoneID(context.form.text("phone_id")).map { "\(PhonePages.path)/\($0)#device-title" } ?? PhonePages.path
    }
}
