"""`zoo plugins` and `zoo plugins check`."""

from __future__ import annotations

import click

from zoo.base.text import printable
from zoo.cli.notes import alert, note
from zoo.cli.tables import echo_json, echo_table
from zoo.registry import Discovery, Plugin, discover

_KINDS = {"zoo.models": "models", "zoo.devices": "devices", "zoo.backends": "engines", "zoo.formats": "formats"}


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def plugins(ctx: click.Context, as_json: bool) -> None:
    """Show the installed plugins and what is wrong with them."""
    if ctx.invoked_subcommand is not None:
        return
    found = discover()
    if as_json:
        echo_json([_document(plugin, found) for plugin in found.plugins])
    elif found.plugins:
        rows = [
            (plugin.name, plugin.distribution, plugin.version, _KINDS[plugin.group], brings, state)
            for plugin in found.plugins
            for brings, state in [(", ".join(_brings(plugin)) or "-", _state(plugin, found))]
        ]
        echo_table(("NAME", "DISTRIBUTION", "VERSION", "KIND", "BRINGS", "STATE"), rows)
    else:
        note("No plugin is installed.\nRun: pip install zoo-plugin-pp-liteseg")


@plugins.command()
@click.pass_context
def check(ctx: click.Context) -> None:
    """Load every plugin; exit with 1 and print the causes if any is broken."""
    found = discover()
    problems = found.problems()
    for problem in problems:
        alert(f"{printable(problem.message)}\n{printable(problem.hint)}")
        cause = problem.__cause__
        while cause is not None:
            alert(f"  caused by {type(cause).__name__}: {printable(str(cause))}")
            cause = cause.__cause__ or cause.__context__
    note(f"{len(found.plugins)} plugins, {len(problems)} problems")
    if problems:
        ctx.exit(1)


def _document(plugin: Plugin, found: Discovery) -> dict[str, object]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "group": plugin.group,
        "brings": _brings(plugin),
        "state": "disabled" if plugin.disabled else "broken" if found.problems(plugin) else "ok",
        "problems": [{"message": problem.message, "hint": problem.hint} for problem in found.problems(plugin)],
    }


def _brings(plugin: Plugin) -> list[str]:
    models = [card.name for family in plugin.families for card in family.cards]
    devices = [device.kind for device in plugin.devices]
    return models + devices + [each.name for each in (*plugin.backends, *plugin.formats)]


def _state(plugin: Plugin, found: Discovery) -> str:
    if plugin.disabled:
        return "disabled"
    problems = found.problems(plugin)
    return "ok" if not problems else "broken: " + " ".join(problem.message for problem in problems)
