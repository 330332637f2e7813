"""From the name of a model to the model, opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from zoo.base.files import user_path
from zoo.bundle.bundle import settled
from zoo.engine.device import available_cores
from zoo.engine.open import open_engine
from zoo.errors import ConfigError
from zoo.message import Message
from zoo.predict.model import Model
from zoo.predict.options import BY_NAME, names_of
from zoo.predict.remote.remote_model import RemoteModel, open_remote
from zoo.predict.remote.server_address import is_server, server_address
from zoo.predict.unknown import unknown_option
from zoo.predict.values import given_value
from zoo.proof.choice import choose_engine
from zoo.proof.locked import choose_as_locked
from zoo.store.find import absolute_name, find_bundle
from zoo.store.lock import locked_model, read_lock

if TYPE_CHECKING:
    from typing_extensions import Never

    from zoo.contract.engine import Precision
    from zoo.store.download.progress import Progress


@overload
def load(
    name: str | Path,
    device: str = "cpu",
    backend: str = "auto",
    threads: int | None = None,
    *,
    streams: int | None = None,
    workers: int | None = None,
    precision: Precision | None = None,
    model: None = None,
    offline: bool | None = None,
    lock: str | Path | None = None,
    verify: bool = False,
    progress: Callable[[Progress], None] | None = None,
    **unknown: Never,
) -> Model: ...


@overload
def load(name: str, *, model: str, offline: bool | None = None) -> RemoteModel: ...


def load(
    name: str | Path,
    device: str = "cpu",
    backend: str = "auto",
    threads: int | None = None,
    *,
    streams: int | None = None,
    workers: int | None = None,
    precision: Precision | None = None,
    model: str | None = None,
    offline: bool | None = None,
    lock: str | Path | None = None,
    verify: bool = False,
    progress: Callable[[Progress], None] | None = None,
    **unknown: Never,
) -> Model | RemoteModel:
    """Loads a model. Files that are not on this machine are downloaded once; then nothing is asked of the network.

    Args:
        name: Name of a model ("starter", in any letter case), an export folder, a run of `zoo train`, whose best
            checkpoint is exported into it once, or a model of a pack ("models.zoo#PP-LiteSeg-T"). Or the address of a
            server, "http://host:8080", which runs the model; the options that say how are the server's, then.
        device: Such as "cpu" or "gpu:0"; like the next three an option of `zoo.predict.options`.
        backend: See there.
        threads: See there.
        streams: See there.
        workers: See there.
        precision: See there.
        model: Name of a model of the server, by default its first; "http://host:8080#PP-LiteSeg-T" says the same.
        offline: Never use the network; by default what `ZOO_OFFLINE` says.
        lock: A lock file written by `zoo lock`; anything that differs from it is refused. Engine and precision are
            those it holds, unless others are asked for.
        verify: Take the digest of every file, also of files that look untouched.
        progress: Called with what goes on during a download.
        unknown: Nothing; what other programs call an option is told with the name of zoo's.

    Returns:
        The opened model; of a server a `RemoteModel`. It is also a context manager that closes itself.

    Raises:
        ModelNotFoundError: No model has this name.
        ModelNotInstalledError: Its plugin is not installed.
        RemoteError: The server cannot be asked, or refuses the key.
        OfflineError: Its files are not on this machine and the network may not be used.
        LockMismatchError: Something differs from the lock file, or its engine is not here.
        FetchError: Its files cannot be downloaded, or are not what they must be.
        BundleError: Its files are damaged.
        TrainingError: The run has no evaluated checkpoint.
        DeviceError: The device cannot be used.
        BackendError: The engine cannot be used or refuses the program.
        ConfigError: There is no such argument, it has a value that is not possible, or there are more streams or
            workers than threads.
    """
    for name in unknown:
        raise unknown_option(name, (*names_of("load"), "model", "offline", "lock", "verify", "progress"), "zoo.load")
    if isinstance(name, str) and is_server(name):
        local = {"device": device, "backend": backend, "threads": threads, "streams": streams, "workers": workers}
        _refuse_local({**local, "precision": precision, "lock": lock, "verify": verify or None})
        return open_remote(server_address(name, model), offline)
    if model is not None:
        raise ConfigError(
            "`model` is {model!r} for {name}, which is no address of a server. It was expected to be left out.",
            'Give the model alone, zoo.load({model!r}), or an address: zoo.load("http://host:8080", model={model!r})',
            model=model,
            name=name,
        )
    device, backend = given_value("device", device), given_value("backend", backend)
    threads, streams = given_value("threads", threads), given_value("streams", streams)
    workers, precision = given_value("workers", workers), given_value("precision", precision)
    lock = None if lock is None else user_path(lock)
    bundle = settled(find_bundle(name, offline=offline, lock=lock, verify=verify, progress=progress))
    program = bundle.verify()
    count = threads or available_cores()
    if lock is None:
        choice = choose_engine(program, device, backend, count, precision or "float32")
    else:
        locked = locked_model(read_lock(lock), bundle.model, lock)
        choice = choose_as_locked(locked, program, device, backend, count, precision)
    why, used = choice.why, choice.candidate.device
    if used.kind != "cpu" and bundle.model not in used.known:
        why = Message("{why}; {model} is untested on {kind}", why=why, model=bundle.model, kind=used.kind)
    engine = open_engine(program, choice.candidate, threads, streams, workers)
    reopen = partial(
        load,
        absolute_name(name),
        device,
        backend,
        threads,
        streams=streams,
        workers=workers,
        precision=precision,
        offline=offline,
        lock=None if lock is None else os.path.abspath(lock),
    )
    return Model(bundle, engine, reopen, why)


def _refuse_local(options: dict[str, Any]) -> None:
    """Refuses what a server decides for itself."""
    for name, value in options.items():
        if value is not None and value != (BY_NAME[name].default if name in BY_NAME else None):
            raise ConfigError(
                "`{name}` was given for a model that a server runs. It was expected to be left out.",
                "Give it to the server: zoo serve",
                name=name,
            )
