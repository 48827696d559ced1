import Foundation
import NIOHTTP1
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension PhoneAppTests {
    /// Phones that were not written with our code or run in no test of ours: `Judges/smsgate.py`, and the command.
    @Suite struct DeviceJudges {
        @Test(.timeLimit(.minutes(15)), arguments: ["code", "private_token"])
        func thePlayerFromTheDocumentFindsNothingWrong(secret: String) async throws {
            try await DeviceBench.run { bench in
                let pairing = try await bench.pairing()
                let input = bench.installation.folder + "/commands"
                #expect(mkfifo(input, 0o600) == 0)
                // Both ends are held, so that neither side waits for the other.
                let commands = try #require(FileHandle(forUpdatingAtPath: input))
                let kind = secret == "code" ? "code" : "token"
                let player = try IndependentSink.python(
                    "EndToEndTests/Judges/smsgate.py",
                    [pairing["url"].text ?? "", kind, pairing[secret].text ?? ""],
                    logs: bench.installation.folder + "/player", input: input)
                defer { player.killNow() }
                try await until("it listens; it said \(player.output) \(player.errors)") {
                    player.output.contains(#""stream": "open""#)
                }
                let id = try await bench.send("Déjà < vu")
                try await bench.wait(id, is: "delivered")
                try commands.write(contentsOf: Data("sms +18005550100 Yes & no\nagain\nping\npoll\n".utf8))
                try await until("all is told; it said \(player.output)") {
                    player.output.contains(#""posted": "system:ping", "status": 200"#)
                        && bench.receiver.count(of: "message.phone.received") == 1
                }
                try commands.write(contentsOf: Data("quit\n".utf8))
                #expect(try await player.wait() == .exited(0))

                #expect(
                    !player.output.contains("problem") && player.errors.isEmpty, "\(player.output) \(player.errors)")
                #expect(player.output.contains(#""text": "D\u00e9j\u00e0 < vu""#))
                #expect(try await bench.client.messages(with: DeviceBench.contact).count == 2, "once each")
                let device = try await bench.client.call(.GET, "/v1/devices").elements.first
                #expect(device?["battery"]["percent"] == 87, "\(String(describing: device))")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func theCommandPlaysAPhone() async throws {
            try await DeviceBench.run { bench in
                let pairing = try await bench.pairing()
                let options = [
                    "phone", "simulate", "--app", "smsgate", "--url", bench.installation.baseURL, "--code",
                    pairing["code"].text ?? "",
                ]
                let phone = try bench.installation.start(options + ["--latency", "10ms", "--receive-every", "300ms"])
                try await until("its stream is open") { phone.output.contains("stream") }
                try await bench.wait(try await bench.send(), is: "delivered")
                try await until("an SMS came") { bench.receiver.count(of: "message.phone.received") > 0 }
                phone.signal(SIGTERM)
                #expect(try await phone.wait() == .exited(0), "\(phone.errors)")
                #expect(phone.output.contains("1 fetched, 1 sent, 1 delivered, 0 failed"), "\(phone.output)")
                #expect(!phone.output.contains(DeviceBench.contact))

                let again = try bench.installation.start(options)
                #expect(try await again.wait() == .exited(1))
                #expect(again.errors.contains("the server refuses this phone"), "\(again.errors)")
            }
        }
    }
}
