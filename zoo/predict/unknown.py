"""Options that do not exist, told with the one that may have been meant."""

from __future__ import annotations

from collections.abc import Iterable

from zoo.errors import ConfigError
from zoo.message import Message
from zoo.settings.check import suggestion

#: What others call options, and those of zoo, some with a value.
_ELSEWHERE = {
    **dict.fromkeys(("engine", "runtime", "provider", "providers"), "backend"),
    **dict.fromkeys(("half", "fp16", "bf16", "bfloat16", "amp"), "precision='bf16'"),
    **dict.fromkeys(("int8", "quantize"), "precision='int8'"),
    "dtype": "precision",
    **dict.fromkeys(("num_workers", "num_threads", "cpu_threads", "jobs"), "threads"),
    **dict.fromkeys(("gpu", "cuda", "use_gpu"), "device"),
}


def unknown_option(name: str, known: Iterable[str], of: str) -> ConfigError:
    """Returns the error for an option that does not exist, with the one that may have been meant.

    Args:
        name: The option.
        known: Those that exist.
        of: What they belong to.
    """
    if name == "hpi_config":
        return ConfigError(
            "`{name}` is a key of PaddleX's pipeline files, and not an option of {noun}.",
            "Give backend, threads or precision instead, or write it into the file.",
            name=name,
            noun=of,
        )
    known, meant = list(known), _ELSEWHERE.get(name, "")
    hint = (
        Message("Did you mean `{suggestion}`?", suggestion=meant)
        if meant.partition("=")[0] in known
        else suggestion(name, known)
    )
    return ConfigError("`{name}` is not an option of {noun}.", hint, name=name, noun=of)
