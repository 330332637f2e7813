"""`zoo devices`: the kinds of devices that are installed, and which of them can be used."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from zoo.cli.cells import wrapped
from zoo.cli.language import tr, translate
from zoo.cli.notes import note
from zoo.cli.progress.loading import loading
from zoo.cli.tables import echo_json, echo_table
from zoo.message import printable

if TYPE_CHECKING:
    from zoo.engine.kinds import DeviceState

# Of the lines below the table, which most terminals show whole.
_WIDTH = 76


@click.command()
@click.option("--probe", is_flag=True, help="Ask each kind for its devices, in a process of its own.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def devices(probe: bool, as_json: bool) -> None:
    """List the kinds of devices that are installed, and whether they can be used.

    Below the table stands what there is of each kind, or why there is none and what helps.
    """
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
            translate(state.state),
            "-" if state.count is None else str(state.count),
            state.distribution,
        )
        for state in states
    ]
    echo_table(("KIND", "TITLE", "USABLE", "COUNT", "DISTRIBUTION"), rows, right=(3,))
    for state in states:
        if state.reason or state.names:
            click.echo()
            _show(state)
    if not probe and any(state.count is None for state in states):
        note("Run: zoo devices --probe")


def _show(state: DeviceState) -> None:
    """Prints what there is of a kind, or why there is none and what helps."""
    for name in state.names:
        click.echo(printable(f"{state.kind}: {translate(name)}"))
    if state.reason:
        said = tr("{kind} cannot be used: {reason}.", kind=state.kind, reason=state.reason)
        click.echo("\n  ".join(wrapped(printable(said), _WIDTH)))
        if state.install:
            # In one line, to be copied.
            click.echo(printable(tr("Run: {install}", install=state.install)))
