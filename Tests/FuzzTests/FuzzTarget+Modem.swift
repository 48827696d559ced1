import Foundation

@testable import Client
@testable import Modem

extension FuzzTarget {
    /// What stands in the files of gammu-smsd, and what a server shows in its handshake.
    static let modem: [FuzzTarget] = [smsBackup, smsdLog, certificateNames]

    private static let smsBackup = FuzzTarget(
        "sms-backup",
        words: [
            "[SMSBackup000]\n", "PDU = Deliver\n", "PDU = Status_Report\n", "MessageReference = 7\n",
            "UDH = 0500039E0202\n",
            "UDH = 06080401230402\n", "Text00 = 00480069\n", "Text01 = D83D\n", "Coding = 8bit\n",
            "NumberUnicode = 002B0031\n",
        ]
    ) { bytes in
        guard let sms = SMSBackup(bytes.text) else { return }
        try hold(sms.parts.expected >= 0 && sms.parts.found >= 1, "it has \(sms.parts) parts")
        try hold(SMSBackup(bytes.text)?.id == sms.id, "its id is another one when it is read again")
        try hold(sms.id.utf8.count == 32, "\(sms.id) is no id")
        for number in [sms.number, sms.text].compactMap(ModemMessage.number) {
            try hold(number.utf8.allSatisfy { $0 != 0x2F && $0 != 0x5F && $0 > 0x20 }, "\(number) is no part of a name")
        }
    }

    /// The first line is the name of a file.
    private static let smsdLog = FuzzTarget(
        "smsd-log",
        words: [
            "New message to send: ", "Transmitted ", " (total: 1) ", " (part: 1) ", "message reference 0x", "a.txtd\n",
        ]
    ) { bytes in
        let (name, log) = bytes.firstLine
        let trace = SMSDLog(log.text).trace(of: name.text)
        try hold(trace.isBegun || !trace.isTransmitted, "it was sent before it was begun")
        try hold(trace.references.allSatisfy { (-255...255).contains($0) }, "\(trace.references) are no references")
    }

    private static let certificateNames = FuzzTarget("certificate-names", words: ["0\u{82}", "\u{a0}\u{3}"]) { bytes in
        guard let names = CertificateNames(bytes) else { return }
        try hold(
            names.issuer.count <= bytes.count && names.subject.count <= bytes.count, "a name is longer than it all")
    }
}
