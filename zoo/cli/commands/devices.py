"""`zoo devices`: the kinds of devices that are installed, and which of them can be used."""

from __future__ import annotations

from dataclasses import asdict

import click

from zoo.cli.language import tr
from zoo.cli.notes import note
from zoo.cli.progress.loading import loading
from zoo.cli.tables import echo_json, echo_table
from zoo.message import Message


@click.command()
@click.option("--probe", is_flag=True, help="Ask each kind for its devices, in a process of its own.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def devices(probe: bool, as_json: bool) -> None:
    """List the kinds of devices that are installed, and whether they can be used."""
    from zoo.engine.kinds import device_states

    with loading("asking devices"):
        states = device_states(probe=probe)
    if as_json:
        echo_json([asdict(state) for state in states])
        return
    rows = [
        (
            state.kind,
            state.title or "-",
            "-" if state.count is None else str(state.count),
            tr(state.state) if not state.reason else tr(Message("no: {reason}", reason=state.reason)),
            ", ".join(state.names) or "-",
            state.distribution,
        )
        for state in states
    ]
    echo_table(("KIND", "TITLE", "COUNT", "USABLE", "NAMES", "DISTRIBUTION"), rows, right=(2,))
    if not probe and any(state.count is None and not state.reason for state in states):
        note("Run: zoo devices --probe")
