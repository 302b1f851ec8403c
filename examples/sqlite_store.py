"""A store of your own: cassettes in a SQLite database, many in one file, one row for each interaction.

A store has two methods, `load` and `save`. `save` gets the whole cassette each time; `continues` tells at once
whether it only adds to the one saved before, so that only new rows are written.

Run it: python examples/sqlite_store.py
"""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from cassettes_lib import Cassette, Interaction, use_cassette
from cassettes_lib.errors import CassetteNotFoundError, CassetteSaveError
from cassettes_lib.fileformat import cassette_members, interaction_to_entry
from cassettes_lib.models import Interactions

SCHEMA = """
    CREATE TABLE IF NOT EXISTS cassettes (name TEXT PRIMARY KEY, members TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS interactions (
        cassette TEXT, position INTEGER, entry TEXT, PRIMARY KEY (cassette, position)
    );
"""


class SqliteCassetteStore:
    """Keeps the cassette called `name` in a database."""

    def __init__(self, database: Path | str, name: str) -> None:
        self.database = database
        self.name = name
        self._saved = Interactions()

    def _connect(self) -> closing[sqlite3.Connection]:
        connection = sqlite3.connect(self.database, timeout=30)
        connection.executescript(SCHEMA)
        return closing(connection)

    def load(self) -> Cassette:
        with self._connect() as connection:
            found = connection.execute("SELECT members FROM cassettes WHERE name = ?", [self.name]).fetchone()
            rows = connection.execute(
                "SELECT entry FROM interactions WHERE cassette = ? ORDER BY position", [self.name]
            ).fetchall()
        if found is None:
            raise CassetteNotFoundError(f"no cassette {self.name} in {self.database}", path=str(self.database))
        self._saved = Interactions([Interaction.model_validate(json.loads(entry)) for (entry,) in rows])
        return Cassette.model_validate({"interactions": self._saved, **json.loads(found[0])})

    def save(self, cassette: Cassette) -> None:
        new = cassette.interactions
        start = len(self._saved) if new.continues(self._saved) else 0
        rows = [
            (self.name, position, json.dumps(interaction_to_entry(new[position])))
            for position in range(start, len(new))
        ]
        try:
            with self._connect() as connection, connection:
                connection.execute("DELETE FROM interactions WHERE cassette = ? AND position >= ?", [self.name, start])
                connection.executemany("INSERT INTO interactions VALUES (?, ?, ?)", rows)
                members = json.dumps(cassette_members(cassette))
                connection.execute("INSERT OR REPLACE INTO cassettes VALUES (?, ?)", [self.name, members])
        except sqlite3.Error as error:
            raise CassetteSaveError(f"{self.name} could not be saved: {error}", path=str(self.database)) from error
        self._saved = new


class Greeter(BaseHTTPRequestHandler):
    """The "real" service."""

    def do_GET(self) -> None:
        body = f"hello, {self.path[1:]}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Greeter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    with TemporaryDirectory() as folder:
        database = Path(folder) / "cassettes.db"
        with use_cassette(store=SqliteCassetteStore(database, "greetings"), mode="record"):
            live = [requests.get(f"{base}/{name}").text for name in ("ada", "grace")]
        server.shutdown()
        server.server_close()
        with use_cassette(store=SqliteCassetteStore(database, "greetings"), mode="replay") as broker:
            replayed = [requests.get(f"{base}/{name}").text for name in ("ada", "grace")]
        assert live == replayed == ["hello, ada", "hello, grace"]
        assert broker.all_played
        with closing(sqlite3.connect(database)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM interactions").fetchone()
        assert count == 2
        print(f"recorded and replayed {count} interactions in a database: {'; '.join(replayed)}")


if __name__ == "__main__":
    main()
