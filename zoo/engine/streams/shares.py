"""How the threads of the processor are shared among sessions."""

from __future__ import annotations

from zoo.errors import ConfigError


def check_streams(count: int | None, threads: int) -> None:
    """Checks a wanted number of streams before anything is opened.

    Raises:
        ConfigError: There are more streams than threads, or none.
    """
    if count is not None and not 1 <= count <= threads:
        raise ConfigError(
            "streams is {count}. 1 to {threads} was expected, the number of threads: every stream has its own.",
            "Give fewer streams, or more threads.",
            count=count,
            threads=threads,
        )


def check_workers(count: int | None, threads: int, streams: int | None, kind: str) -> None:
    """Checks a wanted number of workers before anything is opened.

    Raises:
        ConfigError: There are more workers than threads, streams as well, or workers on a device.
    """
    if count is None:
        return
    if streams is not None:
        raise ConfigError(
            "workers is {workers} and streams is {streams}. One of them was expected: streams share a process where "
            "the engine can, workers are processes.",
            "Leave one of them out.",
            workers=count,
            streams=streams,
        )
    if kind != "cpu":
        raise ConfigError(
            "workers is {workers} on {kind}. They are processes that share the processor; every device has its own.",
            "Leave it out, or name several devices: device='{kind}:0,1'",
            workers=count,
            kind=kind,
        )
    if count > threads:
        raise ConfigError(
            "workers is {workers}. 1 to {threads} was expected, the number of threads: every worker has its own.",
            "Give fewer workers, or more threads.",
            workers=count,
            threads=threads,
        )


def shares(threads: int, count: int) -> list[int]:
    """Divides threads among sessions, as evenly as whole numbers allow."""
    return [threads // count + (number < threads % count) for number in range(count)]
