"""A mail server: aiosmtpd. Reads its configuration as JSON from the file it is given, and appends
what it receives, taken apart by Python's own email package, to a file of JSON lines."""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    def __init__(self, path):
        self.path = path

    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.split("@")[0]
        if local.startswith("refused-"):
            return f"{local.split('-')[1]} not this one"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        part = lambda kind: message.get_body(preferencelist=(kind,)).get_content()
        told = {
            "tls": server.transport.get_extra_info("ssl_object") is not None,
            "authenticated": bool(session.authenticated),
            "mail_from": envelope.mail_from,
            "rcpt_tos": envelope.rcpt_tos,
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "content_type": message.get_content_type(),
            "defects": [repr(defect) for defect in message.defects],
            "text": part("plain"),
            "html": part("html"),
        }
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    known = (data.login, data.password) == (b"acme", b"secret")
    return AuthResult(success=known, handled=False)


async def main(config):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(config["certificate"], config["key"])
    handler = Handler(config["received"])
    loop = asyncio.get_running_loop()
    servers = []
    for name, port in config["ports"].items():
        needs = {"authenticator": authenticate, "auth_required": name != "plain"}
        if name == "starttls":
            needs |= {"tls_context": context, "require_starttls": True}
        else:
            needs |= {"auth_require_tls": False}
        make = lambda needs=needs: SMTP(handler, enable_SMTPUTF8=True, **needs)
        outer = context if name == "implicit" else None
        servers.append(await loop.create_server(make, "127.0.0.1", port, ssl=outer))
    await asyncio.gather(*(server.serve_forever() for server in servers))


with open(sys.argv[1], encoding="utf-8") as file:
    asyncio.run(main(json.load(file)))
