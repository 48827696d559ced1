"""A mail server of aiosmtpd: what it takes goes to a file, a JSON object a line.

mail_server.py RECORD MODE [CERTIFICATE KEY], where MODE is plain, starttls or implicit. Users other than `user` with the
password `p@ss word` are refused where there is TLS, and so are recipients that begin with `nobody`; those that begin
with `stall` get no answer. Prints its port.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    def __init__(self, record, secure):
        self.record, self.secure = record, secure

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 no such user"
        if address.startswith("later"):
            return "451 try again later"
        if address.startswith("stall"):
            await asyncio.Event().wait()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        with open(self.record, "a") as out:
            out.write(
                json.dumps(
                    {
                        "from": envelope.mail_from,
                        "to": envelope.rcpt_tos,
                        "subject": message["subject"],
                        "header_to": str(message["to"]),
                        "body": message.get_content(),
                        "encrypted": session.ssl is not None or self.secure == "implicit",
                        "authenticated": bool(session.authenticated),
                    }
                )
                + "\n"
            )
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"user" and data.password == b"p@ss word")


async def main():
    record, mode = sys.argv[1:3]
    context = None
    if mode != "plain":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*sys.argv[3:5])
    options = {"authenticator": authenticate} if mode != "plain" else {}
    if mode == "starttls":
        options |= {"tls_context": context, "require_starttls": True, "auth_required": True}
    if mode == "implicit":
        options |= {"auth_require_tls": False, "auth_required": True}
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Handler(record, mode), **options), "127.0.0.1", 0, ssl=context if mode == "implicit" else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
