"""`python -m cassettes_lib`: the same as the `cassettes` command."""

from __future__ import annotations

import sys

from cassettes_lib.cli import main

if __name__ == "__main__":
    sys.exit(main())
