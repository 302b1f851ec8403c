"""Old cassettes: one of vcrpy's, full of secrets, is converted, redacted, pruned, and replayed.

Run it: python examples/convert_and_clean.py
"""

import contextlib
import io
import json
import tempfile
from pathlib import Path

import requests

from cassettes_lib import use_cassette
from cassettes_lib.cli import main as cassettes


def recorded(path, body, **headers):
    """An interaction as vcrpy's JSON has it."""
    return {
        "request": {
            "method": "GET", "uri": f"https://api.example.com/{path}", "body": None,
            "headers": {name: [value] for name, value in headers.items()},
        },
        "response": {
            "status": {"code": 200, "message": "OK"}, "headers": {"Content-Type": ["application/json"]},
            "body": {"string": body},
        },
    }


OLD = {
    "version": 1,
    "interactions": [
        recorded("items", '[{"name": "Tea"}]', Authorization="Bearer s3cr3t-t0ken-of-ada-12"),
        recorded("telemetry", "{}"),
    ],
}


def command(*words):
    """Run the command `cassettes`, as a shell would, and return what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = cassettes([str(word) for word in words])
    assert code == 0, printed.getvalue()
    print("$ cassettes", *(getattr(word, "name", word) for word in words))
    return printed.getvalue()


def main():
    with tempfile.TemporaryDirectory() as folder:
        old, new = Path(folder, "old.json"), Path(folder, "new.json")
        old.write_text(json.dumps(OLD), encoding="utf-8")

        command("convert", old, new)
        command("redact", new)
        command("prune", new, "--url", "*/telemetry")
        command("check", new)
        assert "s3cr3t" not in new.read_text(encoding="utf-8")

        with use_cassette(new, mode="replay") as broker:
            items = requests.get("https://api.example.com/items", headers={"Authorization": "Bearer another"}).json()
        assert items == [{"name": "Tea"}]
        assert broker.all_played
        print(f"replayed from the new cassette, without a network: {items}")


if __name__ == "__main__":
    main()
