#!/usr/bin/env python3
"""Writes tests/fixtures/geoip: databases in MaxMind's format, by software that shares no code with our reader.

    pip install mmdb_writer
    python3 tests/interop/geoip/make_places.py

All networks are those that are kept for documentation.
"""

import pathlib

from mmdb_writer import MMDBWriter
from netaddr import IPSet

OUT = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "geoip"


def place(country=None, **names):
    fields = {}
    if names:
        fields["city"] = {"geoname_id": 1, "names": names}
    if country:
        fields["country"] = {"iso_code": country, "names": {"en": country}}
    return fields


PLACES = [
    ("203.0.113.0/25", place("DE", en="Munich", de="München")),
    ("203.0.113.128/25", place("CH", en="Geneva", de="Genf")),
    ("198.51.100.0/24", place("FR")),
    ("2001:db8:1::/48", place("NO", en="Oslo")),
    # What is known of these is no place.
    ("2001:db8:2::/48", place("no country")),
    ("192.0.2.128/25", {"city": {"names": "not a map"}, "location": {"latitude": 0}}),
]


def write(name, kind, networks, **options):
    writer = MMDBWriter(database_type=kind, languages=["en", "de"], description="donjon's tests", **options)
    for network, fields in networks:
        writer.insert_network(IPSet([network]), fields)
    writer.to_db_file(str(OUT / name))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    write("city.mmdb", "GeoLite2-City", PLACES, ip_version=6, ipv4_compatible=True)
    countries = [(network, {"country": fields["country"]}) for network, fields in PLACES[:3]]
    write("country.mmdb", "GeoLite2-Country", countries, ip_version=4)
    write("asn.mmdb", "GeoLite2-ASN", [("203.0.113.0/24", {"autonomous_system_number": 64496})], ip_version=4)


if __name__ == "__main__":
    main()
