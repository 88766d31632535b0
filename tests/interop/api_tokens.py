#!/usr/bin/env python3
"""Looks for API tokens the way a secret scanner does: with the pattern that is published, and with the Python of the
documentation, word for word.

Reads `{"documentation", "prefix", "pattern", "text", "candidates"}` and prints what it finds in the text, and which of
the candidates the documented function takes for tokens.
"""

import json
import re
import sys


def main():
    request = json.load(sys.stdin)
    with open(request["documentation"], encoding="utf-8") as file:
        code = re.search(r"```python\n(.*?)```", file.read(), re.DOTALL).group(1)
    documented = {}
    exec(code, documented)
    report = {
        "found": re.findall(request["pattern"], request["text"]),
        "tokens": [documented["is_token"](request["prefix"], text) for text in request["candidates"]],
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
