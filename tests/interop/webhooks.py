#!/usr/bin/env python3
"""Receives our webhooks and sends some of its own, with PyPI `standardwebhooks`.

Reads `{"received": [{"secret", "headers", "body"}], "to_send": [{"secret", "id", "timestamp", "body"}]}` and prints
whether it accepts each that it received, and the signature of each that it sends.
"""

import json
import sys
from datetime import datetime, timezone

from standardwebhooks import Webhook, WebhookVerificationError


def main():
    request = json.load(sys.stdin)
    report = {
        "accepted": [accepts(**message) for message in request["received"]],
        "signatures": [signature(**message) for message in request["to_send"]],
    }
    print(json.dumps(report))


def accepts(secret, headers, body):
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
        return True
    except WebhookVerificationError:
        return False


def signature(secret, id, timestamp, body):
    return Webhook(secret).sign(id, datetime.fromtimestamp(timestamp, tz=timezone.utc), body)


if __name__ == "__main__":
    main()
