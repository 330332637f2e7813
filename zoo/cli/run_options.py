"""The options of a run on the command line, made of the table that Python and pipeline files follow."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from gettext import gettext
from typing import Any

import click

from zoo.cli.commands.completion import BACKEND, DEVICE, FORMATS, LABELS
from zoo.cli.elsewhere import FORMS
from zoo.cli.language import sentences, tr, translate
from zoo.cli.options import Word
from zoo.message import Message
from zoo.predict.options import BY_NAME, Option, options_of

_NAMES = {completed.name: completed for completed in (BACKEND, DEVICE, LABELS)}


def run_options(command: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds the options that a command takes; `given` returns what came of them."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options_of(command)):
            kind = _PairOrWord if {"const": "auto"} in option.forms and _pairs(option) else _Listed
            function = click.option(option.name, *_spellings(option), cls=kind, **_settings(option))(function)
        return function

    return add


def given(ctx: click.Context) -> dict[str, Any]:
    """Returns the options of the table that were really given, and not left to their defaults, by their names.

    Raises:
        ConfigError: A value does not follow the rule of its option.
    """
    from click.core import ParameterSource

    said = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT, ParameterSource.PROMPT)
    found = {
        name: value for name, value in ctx.params.items() if name in BY_NAME and ctx.get_parameter_source(name) in said
    }
    for name, value in found.items():
        _check(name, value, ctx.info_name or "")
    return found


def _check(name: str, value: Any, command: str) -> None:
    """Checks a value before others do, whose hint would be about pipeline files."""
    from zoo.errors import ConfigError
    from zoo.predict.values import HINT, given_value

    try:
        if value is not None:
            given_value(name, value)
    except ConfigError as error:
        if error.hint != HINT:
            raise
        option = BY_NAME[name].spellings[0]
        raise ConfigError(
            error.message, Message("Correct {option}. Run: zoo {command} --help", option=option, command=command)
        ) from error


def _spellings(option: Option) -> tuple[str, ...]:
    long, *others = option.spellings
    return (f"{long}/--no-{long.removeprefix('--')}" if option.is_switch else long, *others)


def _settings(option: Option) -> dict[str, Any]:
    """Returns how click reads and shows an option."""
    return {**_reading(option), "metavar": option.metavar or None, "help": option.typed or option.help}


def _word(value: Any) -> str:
    return "yes" if value is True else f"{value:g}" if isinstance(value, float) else str(value)


def _reading(option: Option) -> dict[str, Any]:
    first = option.forms[0]
    if option.is_switch:
        return {"default": option.default}
    if option.names == "formats":
        return {"type": FORMATS, "callback": _kinds}
    if option.names:
        return {"type": _NAMES[option.names]}
    if any(form.get("type") == "object" for form in option.forms):
        palettes = [word for form in option.forms for word in form.get("enum", ())]
        return {"type": ClassColor(palettes), "multiple": True, "callback": _colors}
    if "enum" in first:
        return {"type": Word(first["enum"])}
    if {"const": "auto"} in option.forms and _pairs(option):
        return {"type": NumberOrWord(), "nargs": 2, "callback": _pair_or_word}
    if {"const": "auto"} in option.forms:
        return {"type": BatchSize()}
    if isinstance(option.default, tuple):
        return {"type": Scales()}
    if first["type"] == "string":
        return {"type": click.Path()}
    kind = click.IntRange if first["type"] == "integer" else click.FloatRange
    return {"type": kind(first["minimum"], first["maximum"]), "nargs": 2 if _pairs(option) else 1}


def _pairs(option: Option) -> bool:
    return any(form.get("minItems") == 2 for form in option.forms)


class _Listed(click.Option):
    """An option whose help says its default, and names the forms there are, with those of plugins."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        if record is None:
            return None
        text, bracket, rest = record[1].partition("  [")
        if self.type is FORMATS:
            from zoo.registry.formats import format_names

            first, more = translate(text), tr("A comma list of {choices:, }.", choices=list(format_names()))
            text = sentences(first, more)
        if default := _default(BY_NAME[self.name or ""]):
            text += f"  [{gettext('default: {default}').format(default=default)}"
            bracket, rest = ("; ", rest) if bracket else ("", "]")
        return record[0], f"{text}{bracket}{rest}"


def _default(option: Option) -> str:
    if option.default is None or option.default is False:
        return ""
    return ",".join(map(_word, option.default if isinstance(option.default, tuple) else (option.default,)))


class _PairOrWord(click.Option):
    """An option of two numbers, or of the word auto alone: that is doubled before click counts."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        super().add_to_parser(parser, ctx)
        parse = parser.parse_args

        def parse_args(args: list[str]) -> Any:
            try:
                return parse(self._doubled(args))
            except click.BadOptionUsage as error:
                if error.option_name not in self.opts:
                    raise
                said = tr("{option} takes two numbers, or auto.", option=error.option_name)
                raise click.BadOptionUsage(error.option_name, said, ctx) from error

        parser.parse_args = parse_args

    def _doubled(self, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        places = (
            place
            for place in range(end)
            if args[place] == f"{self.opts[0]}=auto" or (args[place] == "auto" and args[place - 1 : place] == self.opts)
        )
        for place in sorted(places, reverse=True):
            args = [*args[: place + 1], "auto", *args[place + 1 :]]
        return args


def _pair_or_word(
    ctx: click.Context, parameter: click.Parameter, value: tuple[float | str, float | str] | None
) -> tuple[float | str, float | str] | str | None:
    if value is None or "auto" not in value:
        return value
    if value != ("auto", "auto"):
        raise click.BadParameter(tr("{value!r} is neither two numbers nor auto.", value=value), ctx, parameter)
    return "auto"


def _kinds(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    from zoo.registry.formats import format_names

    kinds, known = tuple(part.strip() for part in value.split(",") if part.strip()), format_names()
    if not kinds or any(kind not in known for kind in kinds):
        said = tr("{value!r} is not a comma-separated choice of {choices:, }.", value=value, choices=list(known))
        others = [each for kind in kinds for each in FORMS.get(kind.lower(), ()) if each in known]
        if others:
            said = sentences(said, tr("Did you mean {suggestions: or }?", suggestions=list(dict.fromkeys(others))))
        raise click.BadParameter(said, ctx, parameter)
    return kinds


def _colors(
    ctx: click.Context, parameter: click.Parameter, value: tuple[tuple[str, str] | str, ...]
) -> dict[str, str] | str | None:
    named = [each for each in value if isinstance(each, str)]
    if named and len(value) > 1:
        raise click.BadParameter(tr("{name} is a palette of its own. Give it alone.", name=named[0]), ctx, parameter)
    return named[0] if named else dict(each for each in value if not isinstance(each, str)) or None


# Older versions of click take no type argument.
class BatchSize(click.ParamType):  # pyright: ignore[reportMissingTypeArgument]
    """A positive number, or auto."""

    name = "number|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Returns the number or "auto"."""
        text = str(value).strip()
        if text == "auto":
            return text
        if not text.isdecimal() or int(text) < 1:
            self.fail(tr("{value!r} is neither a positive number nor auto.", value=value), param, ctx)
        return int(text)


class NumberOrWord(click.ParamType):  # pyright: ignore[reportMissingTypeArgument]
    """A number, or auto."""

    name = "number|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        """Returns the number or "auto"."""
        try:
            return value if value == "auto" else float(value)
        except ValueError:
            self.fail(tr("{value!r} is neither a number nor auto.", value=value), param, ctx)


class ClassColor(click.ParamType):  # pyright: ignore[reportMissingTypeArgument]
    """CLASS=#rrggbb, or the name of a palette."""

    name = "class=#rrggbb"

    def __init__(self, palettes: Sequence[str]) -> None:
        self._palettes = palettes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str] | str:
        """Returns the name of the class and its colour, or that of the palette."""
        if isinstance(value, tuple) or value in self._palettes:
            return value
        match = re.fullmatch(r"(.+)=(#[0-9a-fA-F]{6})", str(value).strip())
        plain = re.sub("[-_ u]", "", str(value).lower())  # colour-blind
        if match is None and (meant := [name for name in self._palettes if plain == name]):
            self.fail(
                tr("There is no palette {value!r}. Did you mean {meant}?", value=value, meant=meant[0]), param, ctx
            )
        if match is None:
            self.fail(tr("{value!r} is no class with a colour such as road=#0000ff.", value=value), param, ctx)
        return match[1], match[2]


class Scales(click.ParamType):  # pyright: ignore[reportMissingTypeArgument]
    """A comma list of numbers."""

    name = "scales"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Returns the numbers."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(tr("{value!r} is not a comma list of numbers such as 0.75,1,1.25.", value=value), param, ctx)
