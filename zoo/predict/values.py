"""Values of options, checked by the rules of the table and brought to the form that is kept.

There is one rule for an option wherever its value comes from: a call, a file or the command line.
"""

from __future__ import annotations

from typing import Any

from zoo.bundle.steps import read_range
from zoo.errors import ConfigError
from zoo.message import Message
from zoo.predict.options import BY_NAME, names_of
from zoo.registry.formats import find_format
from zoo.settings.check import conform, mismatch
from zoo.settings.document import DocumentKind, Node, node_of

#: Where a value does not follow its rule.
HINT = Message("Correct it. docs/python.md has every option with its values.")
#: An argument of a call.
GIVEN = DocumentKind(error=ConfigError, hint=HINT, python=True)


def value_of(name: str, node: Node) -> Any:
    """Returns the value of an option in the form that is kept.

    Args:
        name: The option.
        node: Its value, from a file or a call.

    Raises:
        ConfigError: It does not follow the rule of the option.
    """
    option = BY_NAME[name]
    if name == "value_range":
        return read_range(node)
    value = option.settled(conform(node, option.checked_rule))
    if option.names == "formats":
        _check_formats(value)
    return value


def given_value(name: str, value: Any) -> Any:
    """Returns a value that a program gave in the form that is kept.

    Raises:
        ConfigError: It does not follow the rule of the option.
    """
    option = BY_NAME[name]
    if option.rule is None and value is not None and not callable(value):
        raise mismatch(
            node_of(value, GIVEN._replace(hint=Message("Give a function, or leave it out.")), name),
            Message("a function"),
        )
    # A text is iterable too.
    taken = isinstance(value, option.objects) and not isinstance(value, str)
    return value if option.rule is None or taken else value_of(name, node_of(value, GIVEN, name))


def settle_run(options: object) -> None:
    """Checks the options of a run and brings them to the form that is kept.

    Args:
        options: Frozen data with a field for every option of this scope.

    Raises:
        ConfigError: One does not follow its rule, or two exclude each other.
    """
    values = {name: getattr(options, name) for name in names_of("predict")}
    for name, value in values.items():
        object.__setattr__(options, name, given_value(name, value))
    if values["live"] and values["batch_size"] != 1:
        raise ConfigError(
            "`batch_size` is {batch_size!r}; expected 1 with `live`, which waits for every result.",
            "Leave one of them out.",
            batch_size=values["batch_size"],
        )


def _check_formats(names: tuple[str, ...]) -> None:
    taken: dict[str, str] = {}
    for name in names:
        form = find_format(name)
        assert form is not None  # its rule knows the names
        other = taken.setdefault(form.ending, name)
        if other != name:
            raise ConfigError(
                "{other} and {name} are both to be saved, and both take the name of the picture with {ending}. Only "
                "one of them was expected.",
                "Save {name} in a run of its own, into another folder.",
                other=other,
                name=name,
                ending=form.ending,
            )
