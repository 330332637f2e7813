"""`zoo plugins` and `zoo plugins check`."""

from __future__ import annotations

import click

from zoo.cli.language import tr, translate
from zoo.cli.notes import alert, alert_error, note
from zoo.cli.tables import echo_json, echo_table
from zoo.message import Message
from zoo.registry import Discovery, Plugin, discover

_KINDS = {
    "zoo.models": Message("models"),
    "zoo.devices": Message("devices"),
    "zoo.backends": Message("engines"),
    "zoo.formats": Message("formats"),
}


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
        return
    rows = [
        (plugin.name, plugin.distribution, plugin.version, translate(_KINDS[plugin.group]), brings, state)
        for plugin in found.plugins
        for brings, state in [(", ".join(_brings(plugin)) or "-", _state(plugin, found))]
    ]
    echo_table(("NAME", "DISTRIBUTION", "VERSION", "KIND", "BRINGS", "STATE"), rows)
    if not any(plugin.group == "zoo.models" for plugin in found.plugins):
        note("No plugin with models is installed.\nRun in a clone of zoo: pip install ./plugins/zoo-plugin-starter")


@plugins.command()
@click.pass_context
def check(ctx: click.Context) -> None:
    """Load every plugin and what its cards point at; exit with 1 and print the causes if any is broken."""
    from zoo.doctor.cards import card_problems

    found = discover()
    problems = (*found.problems(), *card_problems(found))
    for problem in problems:
        alert_error(problem)
        cause = problem.__cause__
        while cause is not None:
            alert("  caused by {type}: {reason}", type=type(cause).__name__, reason=cause)
            cause = cause.__cause__ or cause.__context__
    note("{count} plugins, {problems} problems", count=len(found.plugins), problems=len(problems))
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
        return tr("disabled")
    problems = [problem.message for problem in found.problems(plugin)]
    return tr("broken: {problems: }", problems=problems) if problems else tr("ok")
