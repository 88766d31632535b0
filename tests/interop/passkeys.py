"""PyPI `fido2` as the other side of a ceremony: it makes registrations and assertions of each
algorithm, and verifies those of ours.

    python passkeys.py < {"origin", "creation": {…}, "request": {…}, "ours": [{"registration", "assertion"}…]}

Prints {"made": [{"algorithm", "registration", "assertion"}…], "verified": [name…]}.
"""

import hashlib
import json
import os
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from fido2.cose import ES256, RS256, CoseKey, EdDSA
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialRpEntity,
    UserVerificationRequirement,
)

FLAG = AuthenticatorData.FLAG
VERIFIED = FLAG.UP | FLAG.UV


def keys():
    curve, edwards = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
    factors = rsa.generate_private_key(65537, 2048)
    yield -7, ES256, curve, lambda data: curve.sign(data, ec.ECDSA(hashes.SHA256()))
    yield -8, EdDSA, edwards, edwards.sign
    yield -257, RS256, factors, lambda data: factors.sign(data, padding.PKCS1v15(), hashes.SHA256())


def client_data(kind, options, origin):
    challenge = websafe_decode(options["challenge"])
    return CollectedClientData.create(kind, challenge, origin, cross_origin=False)


def answer(credential, response):
    name = websafe_encode(credential)
    return {"id": name, "rawId": name, "type": "public-key", "response": response}


def make(number, cose, key, sign, question):
    rp_id, origin = question["creation"]["rp"]["id"], question["origin"]
    party = hashlib.sha256(rp_id.encode()).digest()
    credential = os.urandom(48)
    attested = AttestedCredentialData.create(bytes(16), credential, cose.from_cryptography_key(key.public_key()))
    data = AuthenticatorData.create(party, VERIFIED | FLAG.AT, 7, attested)
    registration = {
        "clientDataJSON": websafe_encode(client_data("webauthn.create", question["creation"], origin)),
        "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        "transports": ["usb", "nfc"],
    }
    data = AuthenticatorData.create(party, VERIFIED, 8)
    client = client_data("webauthn.get", question["request"], origin)
    assertion = {
        "clientDataJSON": websafe_encode(client),
        "authenticatorData": websafe_encode(data),
        "signature": websafe_encode(sign(bytes(data) + client.hash)),
        "userHandle": question["creation"]["user"]["id"],
    }
    return {
        "algorithm": number,
        "registration": answer(credential, registration),
        "assertion": answer(credential, assertion),
    }


def verify(server, question, ours):
    """What a relying party of others makes of the answers of our soft passkey."""

    def state(options):
        return {"challenge": options["challenge"], "user_verification": UserVerificationRequirement.REQUIRED}

    registered = server.register_complete(state(question["creation"]), ours["registration"])
    credential = registered.credential_data
    server.authenticate_complete(state(question["request"]), [credential], ours["assertion"])
    name = type(CoseKey.parse(dict(credential.public_key))).__name__
    return name


def main():
    question = json.load(sys.stdin)
    party = PublicKeyCredentialRpEntity(id=question["creation"]["rp"]["id"], name="Example")
    server = Fido2Server(party, verify_origin=lambda origin: origin == question["origin"])
    report = {
        "made": [make(*key, question) for key in keys()],
        "verified": [verify(server, question, ours) for ours in question["ours"]],
    }
    json.dump(report, sys.stdout)


main()
