"""From the name of a model to the model, opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.base.files import user_path
from zoo.bundle.bundle import settled
from zoo.engine.device import available_cores
from zoo.engine.open import open_engine
from zoo.message import Message
from zoo.predict.model import Model
from zoo.predict.options import names_of
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


def load(
    name: str | Path,
    device: str = "cpu",
    backend: str = "auto",
    threads: int | None = None,
    *,
    streams: int | None = None,
    workers: int | None = None,
    precision: Precision | None = None,
    offline: bool | None = None,
    lock: str | Path | None = None,
    verify: bool = False,
    progress: Callable[[Progress], None] | None = None,
    **unknown: Never,
) -> Model:
    """Loads a model. Files that are not on this machine are downloaded once; then nothing is asked of the network.

    Args:
        name: Name of a model ("starter", in any letter case), an export folder, a run of `zoo train`, whose best
            checkpoint is exported into it once, or a model of a pack ("models.zoo#PP-LiteSeg-T").
        device: Such as "cpu" or "gpu:0"; like the next three an option of `zoo.predict.options`.
        backend: See there.
        threads: See there.
        streams: See there.
        workers: See there.
        precision: See there.
        offline: Never use the network; by default what `ZOO_OFFLINE` says.
        lock: A lock file written by `zoo lock`; anything that differs from it is refused. Engine and precision are
            those it holds, unless others are asked for.
        verify: Take the digest of every file, also of files that look untouched.
        progress: Called with what goes on during a download.
        unknown: Nothing; what other programs call an option is told with the name of zoo's.

    Returns:
        The opened model. It is also a context manager that closes itself.

    Raises:
        ModelNotFoundError: No model has this name.
        ModelNotInstalledError: Its plugin is not installed.
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
        raise unknown_option(name, (*names_of("load"), "offline", "lock", "verify", "progress"), "zoo.load")
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
