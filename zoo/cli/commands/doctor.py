"""`zoo doctor`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

import click

from zoo.cli.cells import cells, padded
from zoo.cli.commands.completion import BACKEND, DEVICE, MODEL
from zoo.cli.language import tr, translate
from zoo.cli.notes import alert, note
from zoo.cli.options import Word
from zoo.cli.progress.loading import loading
from zoo.cli.tables import echo_json, size_text, times_text
from zoo.message import Message, printable

if TYPE_CHECKING:
    from zoo.contract.engine import Precision
    from zoo.doctor import EngineState, Finding, SelfTestResult


@click.command()
@click.argument("model", type=MODEL, required=False)
@click.option("--device", type=DEVICE, help="Where the self-test of MODEL runs, such as cpu or gpu:0.  [default: cpu]")
@click.option("--backend", type=BACKEND, help="Inference engine of the self-test.  [default: auto]")
@click.option(
    "--precision",
    type=Word(["float32", "bf16", "int8"]),
    help="Precision of the self-test.  [default: float32]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(
    ctx: click.Context,
    model: str | None,
    device: str | None,
    backend: str | None,
    precision: Precision | None,
    as_json: bool,
) -> None:
    """Show what zoo finds on this machine; with MODEL, run its self-test. Exits with 1 if there is a problem.

    The self-test says of each engine, or of the one given, whether it is proven or refused for MODEL, and why.
    """
    if model is None and (device or backend or precision):
        said = tr("--device, --backend and --precision belong to the self-test of a model: give MODEL too.")
        raise click.UsageError(said, ctx)
    if _examine(as_json) if model is None else _self_test(model, device, backend, precision, as_json):
        ctx.exit(1)


def _examine(as_json: bool) -> bool:
    """Prints the report. Returns whether there is a problem."""
    from zoo.doctor import examine

    with loading("examining this machine"):
        report = examine()
    if as_json:
        echo_json({"problems": len(report.problems), "findings": [asdict(finding) for finding in report.findings]})
        return bool(report.problems)
    for topic, findings in groupby(report.findings, lambda finding: finding.topic):
        click.echo(click.style(translate(topic).upper(), bold=True))
        _show(list(findings))
    notes = sum(finding.state == "note" for finding in report.findings)
    note(
        "{problems}, {notes}",
        problems=Message(
            "{count} problem" if len(report.problems) == 1 else "{count} problems", count=len(report.problems)
        ),
        notes=Message("{count} note" if notes == 1 else "{count} notes", count=notes),
    )
    return bool(report.problems)


def _show(findings: Sequence[Finding]) -> None:
    names = [translate(finding.name) for finding in findings]
    width = max(map(cells, names))
    for finding, name in zip(findings, names, strict=True):
        click.echo(f"  {padded(translate(finding.state), 8)} {padded(name, width)}  {_text(finding.value)}")
        if finding.help:
            click.echo(f"  {'':<8} {'':<{width}}  {_text(finding.help)}")


def _self_test(model: str, device: str | None, backend: str | None, precision: Precision | None, as_json: bool) -> bool:
    """Runs the self-test and prints what came of it. Returns whether there is a problem."""
    from zoo.doctor import self_test

    with loading("testing {model}", model=model):
        result = self_test(model, "cpu" if device is None else device, backend or "auto", precision)
    if as_json:
        echo_json(asdict(result))
    else:
        for label, text in _lines(result):
            click.echo(f"{padded(translate(label), 10)} {_text(text)}")
        if result.help:
            alert("{help}", help=result.help)
    return result.state == "problem"


def _text(text: str) -> str:
    return printable(translate(text))


def _lines(result: SelfTestResult) -> Iterator[tuple[str, str]]:
    height, width = result.size
    yield Message("Model"), result.model
    yield Message("Device"), result.device
    yield Message("Engine"), result.engine
    yield (
        Message("Picture"),
        Message("{height}x{width}, the first one; further ones are faster", height=height, width=width),
    )
    yield Message("Times"), times_text(result.seconds)
    for number, state in enumerate(result.engines):
        yield Message("Engines") if number == 0 else "", _engine_text(state)
    yield Message("State"), translate(result.state)
    yield Message("Outcome"), result.message


def _engine_text(state: EngineState) -> str:
    parts = [translate(state.verdict)]
    if state.reason:
        parts.append(translate(state.reason))
    elif state.agreement is not None:
        said = Message("{share:.3%} of the pixels as {reference}", share=state.agreement, reference=state.reference)
        parts.append(translate(said))
    if state.milliseconds is not None:
        parts += [f"{state.milliseconds:.1f} ms", *filter(None, [translate(state.setting)])]
    if state.compiled:
        parts.append(tr("compiled programs: {size}", size=size_text(state.compiled)))
    return tr("{engine}, {precision}: {parts:; }", engine=state.engine, precision=state.precision, parts=parts)
