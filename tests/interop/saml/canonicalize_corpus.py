#!/usr/bin/env python3
"""Writes tests/fixtures/saml/c14n.json: random documents and what xmlsec1 and lxml canonicalize them to.

Each case is {xml, prefixes, expected}. Where the document has an element with ID="target", that element without its
ds:Signature child is what is canonicalized (by xmlsec1: what it digests for the reference); otherwise the whole
document (by lxml).

    pip install lxml && apt-get install xmlsec1 openssl
    python3 tests/interop/saml/canonicalize_corpus.py
"""

import json
import pathlib
import random
import subprocess
import tempfile

from lxml import etree

OUT = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "saml"
DS = "http://www.w3.org/2000/09/xmldsig#"
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
URIS = ["urn:one", "urn:two", "http://example.org/three?x=1", "urn:oasis:names:tc:SAML:2.0:metadata", "mailto:e"]
PREFIXES = ["a", "b", "c", "p-1", "ü"]
TEXTS = ["x", " ", "\n  ", "\r\n", "\t", "&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#13;", "&#xA;", "&#9;", "é", "漢字",
         "&#x1F600;", "😀", "\"", "'", ">", "plain words", "&#x20;"]
SIGNATURE = f"""<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXC}"/>
<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#target"><ds:Transforms>
<ds:Transform Algorithm="{DS}enveloped-signature"/><ds:Transform Algorithm="{EXC}">%s</ds:Transform></ds:Transforms>
<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>
<ds:SignatureValue/></ds:Signature>"""


class Generator:
    def __init__(self, seed, with_target):
        self.random = random.Random(seed)
        self.prefixes = self.random.sample(PREFIXES + ["#default"], self.random.randrange(4))
        self.with_target = with_target
        self.left = self.random.randrange(4, 22)

    def text(self):
        return "".join(self.random.choices(TEXTS, k=self.random.randrange(4))).replace("]]>", "")

    def attribute_value(self):
        quote = self.random.choice("\"'")
        return quote + self.text().replace(quote, "") + quote

    def element(self, scope, depth, target):
        r = self.random
        scope = dict(scope)
        declarations = {}
        for prefix in r.sample(PREFIXES, r.choice([0, 0, 1, 2, 3])):
            declarations[prefix] = scope[prefix] = r.choice(URIS)
        written = [f'xmlns:{prefix}="{uri}"' for prefix, uri in declarations.items()]
        if r.random() < 0.3:
            written.append(f'xmlns="{r.choice(URIS + [""])}"')
        seen = set()
        for _ in range(r.choice([0, 0, 1, 2, 4])):
            prefix = r.choice(["", "", "xml"] + list(scope))
            local = r.choice(["lang", "space"]) if prefix == "xml" else r.choice(["x", "y", "Z", "ä", "long-name.1"])
            expanded = (scope.get(prefix, prefix), local)
            if expanded not in seen:
                seen.add(expanded)
                value = r.choice(['"default"', "'preserve'"]) if prefix == "xml" else self.attribute_value()
                written.append(f"{prefix + ':' if prefix else ''}{local}{r.choice(['=', ' = '])}{value}")
        if target:
            written.append('ID="target"')
        r.shuffle(written)
        prefix = r.choice(["", "", *scope])
        name = f"{prefix + ':' if prefix else ''}{r.choice(['e', 'f', 'Élan', 'g_1'])}"
        tag = name + "".join(r.choice([" ", "\n  ", "  "]) + piece for piece in written)
        parts = [self.text()]
        if target:
            listed = f'<ec:InclusiveNamespaces xmlns:ec="{EXC}" PrefixList="{" ".join(self.prefixes)}"/>' if self.prefixes else ""
            parts.append(SIGNATURE % listed)
        if depth == 1 and self.with_target:
            self.with_target = False
            parts += [self.element(scope, depth + 1, True), self.text()]
        while depth < 6 and self.left > 0 and r.random() < 0.7:
            self.left -= 1
            parts += [self.element(scope, depth + 1, False), self.text()]
        content = "".join(parts)
        return f"<{tag}/>" if not content and r.random() < 0.5 else f"<{tag}>{content}</{name}>"

    def document(self):
        head = self.random.choice(["", '<?xml version="1.0"?>\n', '<?xml version="1.0" encoding="UTF-8"?>'])
        return head + self.element({}, 0, False) + self.random.choice(["", "\n"])


def by_lxml(xml, prefixes):
    tree = etree.ElementTree(etree.fromstring(xml.encode()))
    # lxml knows no token for the default namespace.
    return etree.tostring(tree, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes).decode()


def by_xmlsec1(folder, xml):
    source = folder / "template.xml"
    source.write_bytes(xml.encode())
    command = ["xmlsec1", "--sign", "--store-references", "--print-debug", "--output", "/dev/null", "--privkey-pem",
               str(OUT / "idp-rsa.test-key.pem")]
    names = {element.tag for element in etree.fromstring(xml.encode()).iter() if element.get("ID")}
    for name in names:
        name = etree.QName(name)
        command += ["--id-attr:ID", f"{name.namespace}:{name.localname}" if name.namespace else name.localname]
    output = subprocess.run([*command, str(source)], check=True, capture_output=True).stdout
    start = b"== PreDigest data - start buffer:\n"
    begin = output.index(start) + len(start)
    return output[begin:output.index(b"\n== PreDigest data - end buffer", begin)].decode()


def main():
    cases = []
    with tempfile.TemporaryDirectory() as temporary:
        seed = 0
        while len(cases) < 300:
            seed += 1
            generator = Generator(seed, with_target=seed % 2 == 0)
            xml = generator.document()
            if seed % 2 == 0:
                if 'ID="target"' not in xml:
                    continue
                expected = by_xmlsec1(pathlib.Path(temporary), xml)
            else:
                generator.prefixes = [prefix for prefix in generator.prefixes if prefix != "#default"]
                expected = by_lxml(xml, generator.prefixes)
            cases.append({"xml": xml, "prefixes": generator.prefixes, "expected": expected})
    (OUT / "c14n.json").write_text(json.dumps(cases, ensure_ascii=False, indent=0) + "\n")


if __name__ == "__main__":
    main()
