import Delivery
import Hummingbird
import JSON
import Storage

/// `GET /v1/callbacks`: where messages have their events sent, and how that goes.
struct CallbackRoutes {
    let operations: CallbackOperations

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/callbacks") { request, context in
            var errors = FieldErrors()
            let page = Page(QueryParameters(request), limit: 20, errors: &errors)
            try errors.check("validation errors while fetching callbacks")
            let callbacks = try await operations.list(page.withOneMore, userID: context.userID).map(CallbackReport.init)
            return Reply(Part(callbacks, of: page), "callback")
        }
    }
}

/// A callback as it is shown: without the key, which is the account's own.
private struct CallbackReport: JSONWritable {
    let report: EndpointReport

    func write(to json: inout JSONWriter) {
        let endpoint = report.endpoint
        json.object { o in
            o.field("id", endpoint.id.text)
            o.field("url", endpoint.url)
            o.field("status", "\(endpoint.status)")
            // What is to be done about a webhook is not what is to be done here.
            o.field("status_reason", endpoint.statusReason?.split(separator: ";").first.map(String.init))
            o.field("held_count", report.heldCount)
            o.field("last_success_at", report.lastSuccessAt)
            o.field("last_failure_at", report.lastFailureAt)
            o.field("failing_since", report.failingSince)
            o.field("created_at", endpoint.createdAt)
        }
    }
}
