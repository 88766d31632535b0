#!/usr/bin/env python3
"""A customer's identity provider: pysaml2, signing with xmlsec1.

    idp.py FOLDER metadata < {"entity_id", "sso_url"}     makes a key, writes FOLDER/idp.xml
    idp.py FOLDER respond  < {"location", "sp_metadata", "user", …}   prints the POST that answers the request

`location` is the URL that the service provider redirected the browser to. Knobs of `respond`: `sign` (list of "assertion"
and "response"; default the assertion), `attributes`, `name_id_format`, `in_response_to`, `destination`, `audience`: what to
say in place of the truth.
"""

import base64
import json
import pathlib
import shutil
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
NAME_FORMAT_URI = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"


def main():
    folder, command = pathlib.Path(sys.argv[1]), sys.argv[2]
    request = json.load(sys.stdin)
    print(json.dumps({"metadata": metadata, "respond": respond}[command](folder, request), indent=2))


def metadata(folder, request):
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-sha256", "-newkey", "rsa:2048", "-days", "30", "-subj", "/CN=idp",
         "-keyout", str(folder / "idp.key"), "-out", str(folder / "idp.crt")],
        check=True, capture_output=True)
    (folder / "idp.json").write_text(json.dumps(request))
    written = folder / "idp.xml"
    written.write_text(str(entity_descriptor(config(folder))))
    return {"metadata": str(written)}


def config(folder, sp_metadata=None):
    told = json.loads((folder / "idp.json").read_text())
    loaded = IdPConfig()
    loaded.load({
        "entityid": told["entity_id"],
        "service": {"idp": {
            "endpoints": {"single_sign_on_service": [(told["sso_url"], BINDING_HTTP_REDIRECT)]},
            "policy": {"default": {"lifetime": {"minutes": 10}, "name_form": NAME_FORMAT_URI}},
            "name_id_format": [NAMEID_FORMAT_EMAILADDRESS, NAMEID_FORMAT_PERSISTENT],
        }},
        "key_file": str(folder / "idp.key"),
        "cert_file": str(folder / "idp.crt"),
        "metadata": {"inline": [sp_metadata]} if sp_metadata else {},
        "xmlsec_binary": shutil.which("xmlsec1"),
    })
    return loaded


def respond(folder, request):
    server = Server(config=config(folder, request["sp_metadata"]))
    query = {name: values[0] for name, values in parse_qs(urlsplit(request["location"]).query).items()}
    authn_request = server.parse_authn_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT).message
    asked = server.response_args(authn_request)
    name_id_format = request.get("name_id_format") or authn_request.name_id_policy.format
    sign = request.get("sign", ["assertion"])
    response = server.create_authn_response(
        request.get("attributes", {}),
        in_response_to=request.get("in_response_to", asked["in_response_to"]),
        destination=request.get("destination", asked["destination"]),
        sp_entity_id=request.get("audience", asked["sp_entity_id"]),
        name_id=NameID(format=name_id_format, text=request["user"]),
        authn={"class_ref": PASSWORD, "authn_auth": server.config.entityid},
        sign_response="response" in sign,
        sign_assertion="assertion" in sign,
        sign_alg=SIG_RSA_SHA256,
        digest_alg=DIGEST_SHA256,
    )
    fields = {"SAMLResponse": base64.b64encode(str(response).encode()).decode()}
    if "RelayState" in query:
        fields["RelayState"] = query["RelayState"]
    return {"action": asked["destination"], "fields": fields, "request_id": asked["in_response_to"]}


if __name__ == "__main__":
    main()
