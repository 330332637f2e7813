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
from zoo.cli.notes import alert, note, on_the_command_line
from zoo.cli.options import Word
from zoo.cli.progress.loading import loading
from zoo.cli.tables import echo_json, echo_table, size_text, times_text
from zoo.message import Message, printable

if TYPE_CHECKING:
    from zoo.contract.engine import Precision
    from zoo.doctor import BesideCpu, EngineState, Finding, SelfTestFault, SelfTestResult, State


@click.command()
@click.argument("model", type=MODEL, required=False)
@click.option("--all", "every", is_flag=True, help="Run the self-test of every model on this machine, a line a model.")
@click.option("--device", type=DEVICE, help="Where the self-test runs, such as cpu or gpu:0.  [default: cpu]")
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
    every: bool,
    device: str | None,
    backend: str | None,
    precision: Precision | None,
    as_json: bool,
) -> None:
    """Show what zoo finds on this machine; with MODEL, run its self-test. Exits with 1 if there is a problem.

    The self-test says of each engine, or of the one given, whether it is proven or refused for MODEL, and why. On a
    device it compares what the network gives there with what it gives on the cpu, picture by picture.
    """
    if model is not None and every:
        raise click.UsageError(tr("Give MODEL or --all, not both."), ctx)
    if model is None and not every and (device is not None or backend or precision):
        said = tr("--device, --backend and --precision belong to the self-test of a model: give MODEL too, or --all.")
        raise click.UsageError(said, ctx)
    how = "cpu" if device is None else device, backend or "auto", precision
    if model is not None:
        failed = _self_test(model, *how, as_json)
    else:
        failed = _self_tests(*how, as_json) if every else _examine(as_json)
    if failed:
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
    width = max(cells(translate(finding.name)) for finding in findings)
    for finding in findings:
        _show_line(finding.state, finding.name, width, finding.value, finding.help)


def _show_line(state: State, name: str, width: int, value: str, hint: str) -> None:
    click.echo(f"  {padded(translate(state), 8)} {padded(translate(name), width)}  {_text(value)}")
    if hint:
        click.echo(f"  {'':<8} {'':<{width}}  {_text(hint)}")


def _self_test(model: str, device: str, backend: str, precision: Precision | None, as_json: bool) -> bool:
    """Runs the self-test and prints what came of it. Returns whether there is a problem."""
    from zoo.doctor import self_test

    with loading("testing {model}", model=model):
        result = self_test(model, device, backend, precision)
    if as_json:
        echo_json(asdict(result))
    else:
        for label, text in _lines(result):
            click.echo(f"{padded(translate(label), 10)} {_text(text)}")
        if result.beside is not None:
            click.echo()
            _show_beside(result.beside)
        if result.help:
            alert("{help}", help=result.help)
    return result.state == "problem"


def _show_beside(beside: BesideCpu) -> None:
    rows = [
        (
            translate(each.picture),
            "x".join(map(str, each.shape)),
            each.device,
            f"{each.agreement:.3%}",
            "-" if each.difference is None else f"{each.difference:.1e}",
            f"{each.milliseconds:.1f}",
            f"{each.cpu_milliseconds:.1f}",
        )
        for each in beside.pictures
    ]
    echo_table(("PICTURE", "INPUT", "DEVICE", "SAME CLASS", "LOGITS WITHIN", "MS", "CPU MS"), rows, right=(3, 4, 5, 6))


def _self_tests(device: str, backend: str, precision: Precision | None, as_json: bool) -> bool:
    """Runs the self-test of every model and prints a line for each. Returns whether there is a problem."""
    from zoo.doctor import present_models, self_tests

    models = present_models()
    outcomes: list[SelfTestResult | SelfTestFault] = []
    width = max(map(cells, models))
    tests = self_tests(models, device, backend, precision)
    for model in models:
        with loading("testing {model}", model=model):
            outcome = next(tests)
        outcomes.append(outcome)
        if not as_json:
            _show_line(outcome.state, outcome.model, width, _summary(outcome), on_the_command_line(outcome.help))
    problems = sum(outcome.state == "problem" for outcome in outcomes)
    if as_json:
        echo_json({"problems": problems, "models": [asdict(outcome) for outcome in outcomes]})
    else:
        note("{problems} of {count} failed", problems=problems, count=len(outcomes))
    return bool(problems)


def _summary(outcome: SelfTestResult | SelfTestFault) -> str:
    """Returns what came of a self-test in one line."""
    from zoo.doctor import SelfTestResult

    beside = outcome.beside if isinstance(outcome, SelfTestResult) else None
    if beside is None or outcome.state == "problem":
        return outcome.message
    first = beside.pictures[0]
    parts = [Message("{share:.3%} as on the cpu", share=beside.agreement)]
    if beside.difference is not None:
        parts.append(Message("logits within {difference:.1e}", difference=beside.difference))
    parts.append(Message("{there:.1f} ms (cpu {here:.1f})", there=first.milliseconds, here=first.cpu_milliseconds))
    return Message("{parts:, }", parts=parts)


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
