#!/usr/bin/env python3
"""Plays the authenticator app with PyPI `pyotp`, which shares no code with us.

Reads `{"apps": [{"uri", "issuer", "account", "secret", "times"}], "drifts"}`: sets each app up by its URI and
prints, for each time, the code it shows and whether it would accept that code with its clock off by each drift.
"""

import json
import sys

import pyotp


def main():
    request = json.load(sys.stdin)
    print(json.dumps([play(app, request["drifts"]) for app in request["apps"]]))


def play(app, drifts):
    totp = pyotp.parse_uri(app["uri"])
    assert isinstance(totp, pyotp.TOTP), app
    assert totp.secret == app["secret"].replace(" ", ""), app
    assert (totp.issuer, totp.name) == (app["issuer"], app["account"]), (totp.issuer, totp.name)
    return [
        {
            "code": totp.at(time),
            "accepted": [totp.verify(totp.at(time), for_time=time + drift, valid_window=1) for drift in drifts],
        }
        for time in app["times"]
    ]


if __name__ == "__main__":
    main()
