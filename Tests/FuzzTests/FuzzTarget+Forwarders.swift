import Foundation
import HTTPSMSWebhooks
import Timestamps

@testable import Gateway

extension FuzzTarget {
    /// What apps send that forward SMS.
    static let forwarders: [FuzzTarget] = [forwarded, phoneTime]

    /// The first line is the Content-Type, the rest the body, which is the query, too.
    private static let forwarded = FuzzTarget(
        "forwarded",
        words: [
            "application/json", "charset=utf-16", "charset=windows-1252", "multipart/form-data; boundary=B",
            "\"from\":",
            "\"text\":\"", "\"date\":", "\"sim\":\"SIM2\"", "from=", "&text=", "%E9", "%00", "{", "[", "\\u0000",
            "--B\r\n",
        ]
    ) { bytes in
        let (header, body) = bytes.firstLine
        guard let fields = try? ForwardedFields(query: body.text, contentType: header.text, body: body) else { return }
        for part in ForwardedPart.allCases {
            for name in part.names {
                try hold(fields.value(named: name)?.utf8.contains(0) != true, "\(name) holds a NUL")
            }
        }
        for text in ["/text", "/0/from", "/a~1b/~0", "/"] {
            guard let pointer = JSONPointer(text) else { throw Violation(description: "\(text) is no pointer") }
            try hold(fields.value(at: pointer)?.utf8.contains(0) != true, "\(text) leads to a NUL")
        }
        if let pointer = JSONPointer(body.text) { _ = fields.value(at: pointer) }
        _ = SIM.slot(body.text)
    }

    private static let phoneTime = FuzzTarget(
        "phone-time", upTo: 128, words: ["2026-07-22T10:15:29", "+-5:00", "+0000", "1784715329814", ".5", "E12", "/"]
    ) { bytes in
        let zone = TimeZone(identifier: "Europe/Berlin")
        guard let time = PhoneTimeReader.time(bytes.text, zone: zone) else { return }
        try hold(
            PhoneTimeReader.time(time.rfc3339, zone: nil) == time, "\(time) is another time when it is read again")
    }
}
