"""From the name of a model to the model, opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.base.files import user_path
from zoo.bundle.bundle import settled
from zoo.engine.open import open_engine
from zoo.predict.model import Model
from zoo.predict.values import given_value
from zoo.store.find import absolute_name, find_bundle

if TYPE_CHECKING:
    from zoo.store.download.progress import Progress


def load(
    name: str | Path,
    device: str = "cpu",
    backend: str = "auto",
    threads: int | None = None,
    *,
    streams: int | None = None,
    offline: bool | None = None,
    lock: str | Path | None = None,
    verify: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Model:
    """Loads a model. Files that are not on this machine are downloaded once; then nothing is asked of the network.

    Args:
        name: Name of a model ("starter", in any letter case), an export folder, or a model of a pack
            ("models.zoo#PP-LiteSeg-T").
        device: Such as "cpu" or "gpu:0"; like the next three an option of `zoo.predict.options`.
        backend: See there.
        threads: See there.
        streams: See there.
        offline: Never use the network; by default what `ZOO_OFFLINE` says.
        lock: A lock file written by `zoo lock`; anything that differs from it is refused.
        verify: Take the digest of every file, also of files that look untouched.
        progress: Called with what goes on during a download.

    Returns:
        The opened model. It is also a context manager that closes itself.

    Raises:
        ModelNotFoundError: No model has this name.
        ModelNotInstalledError: Its plugin is not installed.
        OfflineError: Its files are not on this machine and the network may not be used.
        LockMismatchError: Something differs from the lock file.
        FetchError: Its files cannot be downloaded, or are not what they must be.
        BundleError: Its files are damaged.
        DeviceError: The device cannot be used.
        BackendError: The engine cannot be used or refuses the program.
        ConfigError: An argument has a value that is not possible, or there are more streams than threads.
    """
    device, backend = given_value("device", device), given_value("backend", backend)
    threads, streams = given_value("threads", threads), given_value("streams", streams)
    lock = None if lock is None else user_path(lock)
    bundle = settled(find_bundle(name, offline=offline, lock=lock, verify=verify, progress=progress))
    engine = open_engine(bundle.verify(), device, backend, threads, streams)
    reopen = partial(
        load,
        absolute_name(name),
        device,
        backend,
        threads,
        streams=streams,
        offline=offline,
        lock=None if lock is None else os.path.abspath(lock),
    )
    return Model(bundle, engine, reopen)
