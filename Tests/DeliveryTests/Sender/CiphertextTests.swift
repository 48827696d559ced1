import Foundation
import TestSupport
import Testing

@testable import Delivery

/// What a receiver sends below TLS, where no bound on heads and bodies counts it.
@Suite struct CiphertextTests {
    /// Listens on a free port, which it prints, and answers one request on each connection after so many session tickets.
    private static let receiver = """
        import socket, ssl, sys
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        context.num_tickets = int(sys.argv[3])
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        while True:
            try:
                with context.wrap_socket(listener.accept()[0], server_side=True) as peer:
                    peer.recv(65536)
                    peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
            except OSError:
                pass
        """

    @Test(arguments: [
        (2, AttemptOutcome.response(statusCode: 200)),
        (
            5_000,
            .failure(AttemptFailure(.tlsFailed, "the receiver sent more than 256 KiB of TLS records for one answer"))
        ),
    ])
    func ticketsWithoutEndEndTheConnection(tickets: Int, outcome: AttemptOutcome) async throws {
        try await withTemporaryDirectory { folder in
            let authority = try await TestAuthority(in: folder)
            let issued = try await authority.issue(for: "DNS:receiver.test")
            let arguments = ["-c", Self.receiver, issued.certificate, issued.key, "\(tickets)"]
            try await Process.listening("python3", arguments, in: folder) { port in
                try await withSender(trusting: [authority.certificate]) { sender in
                    let result = await sender.send(try request("https://receiver.test:\(port)/"), within: .seconds(20))

                    #expect(result.outcome == outcome)
                }
            }
        }
    }
}
