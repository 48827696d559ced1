import TestSupport

/// The bodies of httpSMS's errors, to compare whole answers with.
enum Envelope {
    static func error(_ message: String, code: String = "not_found", data: JSON = .absent) -> JSON {
        JSON.object(["message": .string(message), "status": "error", "code": .string(code)]).with(["data": data])
    }

    /// 422.
    static func invalid(_ message: String, _ fields: [String: [String]]) -> JSON {
        error(message, code: "validation_failed", data: .object(fields.mapValues { .array($0.map(JSON.string)) }))
    }

    /// 400.
    static func badRequest(_ reason: String) -> JSON {
        error("The request isn't properly formed", code: "malformed_request", data: .string(reason))
    }

    /// 401 for no key, or one that the route does not take.
    static let unauthorized = error(
        "You are not authorized to carry out this request.", code: "unauthorized",
        data: "Make sure your API key is set in the [x-api-key] header in the request")

    /// 401 for a phone key that acts for a number it is not bound to.
    static func foreignNumber(_ number: String, boundTo numbers: String) -> JSON {
        error(
            "You are not authorized to carry out the request for this phone number", code: "number_not_allowed",
            data: """
                The phone API key is does not have permission to carry out actions on the phone number \
                [\(number)]. The API key is only configured for these phone numbers [\(numbers)]
                """)
    }

    static let notAPhoneNumber =
        "must be a valid E.164 phone number in the international format e.g +18005550100"
}

/// An id that nothing has.
let unknownID = "01985e2b-1c0a-7f3d-8a51-2f7c9be4d013"
