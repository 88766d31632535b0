#!/usr/bin/env python3
"""Writes tests/fixtures/saml: responses signed by software that shares no code with donjon.

pysaml2 builds and xmlsec1 signs the plain ones; xmlsec1 alone signs templates for what pysaml2 does not offer
(pretty-printed SignedInfo, elliptic curves, prefix lists, other digests).

    pip install pysaml2 lxml && apt-get install xmlsec1 openssl
    python3 tests/interop/saml/sign_fixtures.py

The keys in the folder are test keys: public, and good for nothing else. Existing keys are kept.
"""

import datetime
import json
import pathlib
import subprocess
import tempfile

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, samlp
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

OUT = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "saml"
IDP = "https://idp.example/metadata"
SP = "https://sp.example/saml/acme/metadata"
ACS = "https://sp.example/saml/acme/acs"
REQUEST = "_4fee3b046395c4e751011e97f8900b5273d56685"
USER = "alice@example.test"
IDENTITY = {
    "mail": [USER],
    "givenName": ["Alice & Bob"],
    "displayName": ["Ålice <the> \"Great\""],
    "eduPersonAffiliation": ["staff", "member"],
}
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
ENC = "http://www.w3.org/2001/04/xmlenc#"


def run(*command):
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def make_keys():
    kinds = {
        "rsa": ["-newkey", "rsa:2048"],
        "rsa-other": ["-newkey", "rsa:2048"],
        "rsa-weak": ["-newkey", "rsa:1024"],
        "p256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "p384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "p521": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
    }
    for name, options in kinds.items():
        key, certificate = OUT / f"idp-{name}.test-key.pem", OUT / f"idp-{name}.crt"
        if not certificate.exists():
            run("openssl", "req", "-x509", "-nodes", "-sha256", "-days", "36500", "-subj", f"/CN=donjon test {name}",
                "-keyout", key, "-out", certificate, *options)


def identity_provider(folder):
    sp_metadata = folder / "sp.xml"
    sp_metadata.write_text(f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{SP}">
      <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
        <md:AssertionConsumerService Binding="{BINDING_HTTP_POST}" Location="{ACS}" index="1"/>
      </md:SPSSODescriptor></md:EntityDescriptor>""")
    config = IdPConfig()
    config.load({
        "entityid": IDP,
        "service": {"idp": {
            "endpoints": {"single_sign_on_service": [
                ("https://idp.example/sso/post", BINDING_HTTP_POST),
                ("https://idp.example/sso/redirect", BINDING_HTTP_REDIRECT),
            ]},
            "policy": {"default": {"lifetime": {"minutes": 10}, "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}},
            "name_id_format": [NAMEID_FORMAT_EMAILADDRESS],
        }},
        "key_file": str(OUT / "idp-rsa.test-key.pem"),
        "cert_file": str(OUT / "idp-rsa.crt"),
        "metadata": {"local": [str(sp_metadata)]},
        "signing_algorithm": SIG_RSA_SHA256,
        "digest_algorithm": DIGEST_SHA256,
        "xmlsec_binary": "/usr/bin/xmlsec1",
    })
    return Server(config=config)


def by_pysaml2(server, response, assertion):
    return str(server.create_authn_response(
        IDENTITY, in_response_to=REQUEST, destination=ACS, sp_entity_id=SP,
        name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, sp_name_qualifier=SP, text=USER),
        authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", "authn_auth": IDP},
        sign_response=response, sign_assertion=assertion,
        sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256,
        session_not_on_or_after=stamp(hours=8),
    ))


def error_by_pysaml2(server):
    """A signed answer to a login that failed: genuine, and without an assertion."""
    return str(server.create_error_response(
        REQUEST, ACS, (samlp.STATUS_AUTHN_FAILED, None), sign=True, sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256))


def stamp(**offset):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**offset)).strftime("%Y-%m-%dT%H:%M:%SZ")


def template(signature, digest, prefixes):
    """A response as a pretty printer leaves it, with an empty signature in its assertion."""
    listed = f'<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="{prefixes}"/>' if prefixes else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Response xmlns="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:unused="urn:unused"
          ID="_response" Version="2.0" IssueInstant="{stamp()}" Destination="{ACS}" InResponseTo="{REQUEST}">
  <Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">{IDP}</Issuer>
  <Status>
    <StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>
  </Status>
  <Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="_assertion" Version="2.0" IssueInstant="{stamp()}">
    <Issuer>{IDP}</Issuer>
    <Signature xmlns="http://www.w3.org/2000/09/xmldsig#">
      <SignedInfo>
        <CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
        <SignatureMethod Algorithm="{MORE}{signature}"/>
        <Reference URI="#_assertion">
          <Transforms>
            <Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
            <Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#">{listed}</Transform>
          </Transforms>
          <DigestMethod Algorithm="{digest}"/>
          <DigestValue/>
        </Reference>
      </SignedInfo>
      <SignatureValue/>
      <KeyInfo><X509Data/></KeyInfo>
    </Signature>
    <Subject>
      <NameID Format="{NAMEID_FORMAT_EMAILADDRESS}">{USER}</NameID>
      <SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
        <SubjectConfirmationData InResponseTo="{REQUEST}" NotOnOrAfter="{stamp(minutes=5)}" Recipient="{ACS}"/>
      </SubjectConfirmation>
    </Subject>
    <Conditions NotBefore="{stamp(minutes=-1)}" NotOnOrAfter="{stamp(minutes=10)}">
      <AudienceRestriction>
        <Audience>urn:another</Audience>
        <Audience>{SP}</Audience>
      </AudienceRestriction>
      <OneTimeUse/>
    </Conditions>
    <AuthnStatement AuthnInstant="{stamp()}" SessionIndex="_session" SessionNotOnOrAfter="{stamp(hours=8)}">
      <AuthnContext>
        <AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</AuthnContextClassRef>
      </AuthnContext>
    </AuthnStatement>
    <AttributeStatement>
      <Attribute Name="mail" FriendlyName="line&#xA;break&#x9;tab &quot;quoted&quot;">
        <AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">{USER}</AttributeValue>
      </Attribute>
      <Attribute Name="groups">
        <AttributeValue>staff</AttributeValue>
        <AttributeValue>&lt;admin&gt; &amp; &#x1F600;&#xD;</AttributeValue>
      </Attribute>
    </AttributeStatement>
  </Assertion>
</Response>
"""


def by_xmlsec1(folder, key, signature, digest, prefixes=""):
    source, signed = folder / "template.xml", folder / "signed.xml"
    source.write_text(template(signature, digest, prefixes))
    run("xmlsec1", "--sign", "--privkey-pem", f"{OUT / f'idp-{key}.test-key.pem'},{OUT / f'idp-{key}.crt'}",
        "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "--output", signed, source)
    return signed.read_text()


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    make_keys()
    manifest = {"idp_entity_id": IDP, "sp_entity_id": SP, "acs_url": ACS, "request_id": REQUEST, "responses": []}

    def write(name, certificate, policy, xml):
        (OUT / f"{name}.xml").write_text(xml)
        manifest["responses"].append(
            {"file": f"{name}.xml", "certificate": f"idp-{certificate}.crt", "policy": policy, "now": stamp(seconds=30)})

    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        server = identity_provider(folder)
        write("assertion-signed", "rsa", "assertion", by_pysaml2(server, False, True))
        write("response-signed", "rsa", "response", by_pysaml2(server, True, False))
        write("both-signed", "rsa", "both", by_pysaml2(server, True, True))
        write("pretty", "rsa", "assertion", by_xmlsec1(folder, "rsa", "rsa-sha256", f"{ENC}sha256"))
        write("prefix-list", "rsa", "assertion", by_xmlsec1(folder, "rsa", "rsa-sha384", f"{MORE}sha384", "xs #default absent"))
        write("sha512", "rsa", "assertion", by_xmlsec1(folder, "rsa", "rsa-sha512", f"{ENC}sha512"))
        write("ecdsa-p256", "p256", "assertion", by_xmlsec1(folder, "p256", "ecdsa-sha256", f"{ENC}sha256"))
        write("ecdsa-p384", "p384", "assertion", by_xmlsec1(folder, "p384", "ecdsa-sha384", f"{MORE}sha384"))
        write("ecdsa-p521", "p521", "assertion", by_xmlsec1(folder, "p521", "ecdsa-sha512", f"{ENC}sha512"))
        (OUT / "error-signed.xml").write_text(error_by_pysaml2(server))
        (OUT / "idp-metadata.xml").write_text(str(entity_descriptor(server.config)))
    (OUT / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
