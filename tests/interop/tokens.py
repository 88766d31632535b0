#!/usr/bin/env python3
"""Checks our tokens with a library that shares no code with the issuer: PyPI `joserfc`.

Reads `{"jwks", "issuer", "client_id", "audience", "nonce", "access_token", "id_token", "id_token_alg"}` and prints
the headers and claims; a fault in a token ends the script with it.
"""

import base64
import hashlib
import json
import sys

from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry


def main():
    request = json.load(sys.stdin)
    keys = KeySet.import_key_set(request["jwks"])
    for key in request["jwks"]["keys"]:
        assert not {"d", "p", "q", "k"} & key.keys(), f"the JWKS shows a private key: {key['kid']}"
    report = {"access_token": access_token(keys, request)}
    if "id_token" in request:
        report["id_token"] = id_token(keys, request)
    print(json.dumps(report, indent=2))


def access_token(keys, request):
    """RFC 9068 sections 2.1, 2.2 and 4."""
    token = jwt.decode(request["access_token"], keys, algorithms=["ES256", "RS256", "EdDSA"])
    assert token.header["typ"] == "at+jwt", token.header
    JWTClaimsRegistry(
        iss={"essential": True, "value": request["issuer"]},
        aud={"essential": True, "value": request["audience"]},
        exp={"essential": True},
        iat={"essential": True},
        jti={"essential": True},
        sub={"essential": True},
        client_id={"essential": True, "value": request["client_id"]},
        scope={"essential": True},
    ).validate(token.claims)
    return {"header": token.header, "claims": token.claims}


def id_token(keys, request):
    """OpenID Connect Core 1.0 sections 2, 3.1.3.6 and 3.1.3.7."""
    token = jwt.decode(request["id_token"], keys, algorithms=[request["id_token_alg"]])
    assert token.header.get("typ", "JWT") != "at+jwt", token.header
    JWTClaimsRegistry(
        iss={"essential": True, "value": request["issuer"]},
        aud={"essential": True, "value": request["client_id"]},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": request["nonce"]},
        auth_time={"essential": True},
    ).validate(token.claims)
    if "at_hash" in token.claims:
        left = hashlib.sha256(request["access_token"].encode("ascii")).digest()[:16]
        expected = base64.urlsafe_b64encode(left).rstrip(b"=").decode()
        assert token.claims["at_hash"] == expected, "at_hash is not of this access token"
    return {"header": token.header, "claims": token.claims}


if __name__ == "__main__":
    main()
