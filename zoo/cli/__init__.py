"""The `zoo` command: data goes to stdout, words for people to stderr."""

from __future__ import annotations

import gc

# Starting allocates some 60,000 objects and frees next to none of them. Looking for garbage after every 700, as Python
# does by default, is 5 % of the time `zoo list-models` takes.
_OBJECTS_BETWEEN_COLLECTIONS = 10_000


def main() -> None:
    """Runs the `zoo` command and ends the process with its exit code."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    from zoo.cli.app import cli

    cli(prog_name="zoo")
