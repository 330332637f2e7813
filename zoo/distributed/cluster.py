"""A cluster: the one that runs already is joined, or one of this machine alone is begun for the run."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.distributed.ray_package import import_ray
from zoo.errors import ClusterError
from zoo.message import Message, described

#: The address of whatever cluster this machine belongs to, and of none one of this machine alone.
AUTO = "auto"

# Rows of paths and figures pass it, no pictures.
_STORE_BYTES = 200 << 20
# The paths of sockets hold 107 bytes, of which Ray takes about 70.
_LONGEST_FOLDER = 30
_KNOCK_SECONDS = 10
# Nothing is sent to Ray's makers; what its C++ code logs of a worker that ends is told in zoo's words.
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_DEDUP_LOGS": "0"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a cluster has.

    Attributes:
        nodes: Machines.
        resources: What Ray counts, by its name: "CPU", "GPU", "NPU" and so on, of all machines together.
        begun: Whether it was begun for this run, and ends with it.
    """

    nodes: int
    resources: Mapping[str, float]
    begun: bool


@contextlib.contextmanager
def connected(address: str = AUTO) -> Generator[Cluster, None, None]:
    """Joins a cluster as long as the block runs.

    A program that has joined one by itself goes on with it, and stays in it.

    Args:
        address: "auto", or HOST:PORT of a cluster's head.

    Raises:
        ClusterError: Ray is missing, no cluster answers there, or it runs another version of Ray or Python.
    """
    ray = import_ray()
    _check_address(address)
    if ray.is_initialized():
        yield _found(ray, begun=False)
        return
    with contextlib.ExitStack() as after:
        after.enter_context(_environment(_QUIET))
        begun = _join(ray, address, after)
        after.callback(ray.shutdown)
        yield _found(ray, begun)


def _check_address(address: str) -> None:
    if address.startswith("ray://"):
        raise ClusterError(
            "{address} is an address of Ray Client, through which data cannot be run reliably.",
            "Run zoo on a machine of the cluster, with --cluster auto; ray job submit does that from outside.",
            address=address,
        )


def _join(ray: Any, address: str, after: contextlib.ExitStack) -> bool:
    """Joins a cluster and says whether it was begun for it."""
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address != AUTO or os.environ.get("RAY_ADDRESS"):
        _attach(ray, address, quiet)
        return False
    if running := _running():
        _attach(ray, running, quiet)
        return False
    # A token of this run: without one Ray writes one into the home folder, or anybody on the machine may run code.
    after.enter_context(_environment({"RAY_AUTH_TOKEN": secrets.token_hex(32)}))
    folder = tempfile.mkdtemp(prefix="zoo-ray-", dir=None if len(tempfile.gettempdir()) < _LONGEST_FOLDER else "/tmp")
    after.callback(shutil.rmtree, folder, ignore_errors=True)
    try:
        ray.init(address="local", include_dashboard=False, object_store_memory=_STORE_BYTES, _temp_dir=folder, **quiet)
    except Exception as error:
        raise ClusterError(
            "Ray cannot be begun on this machine: {reason}.",
            "Look whether memory and disk are free; or join a cluster that runs: --cluster HOST:PORT",
            reason=described(error),
        ) from error
    return True


def _attach(ray: Any, address: str, quiet: Mapping[str, Any]) -> None:
    _knock(os.environ.get("RAY_ADDRESS", address) if address == AUTO else address)
    try:
        ray.init(address=address, **quiet)
    except ConnectionError as error:
        raise _no_cluster(address, error) from error
    except ValueError as error:
        raise _no_cluster(address, error) from error
    except RuntimeError as error:
        if "ersion mismatch" in str(error):
            raise _other_version(address, error) from error
        raise _no_cluster(address, error) from error


def _running() -> str:
    """Returns the address of the cluster that runs on this machine; empty for none.

    Ray notes it in a file, which outlives a cluster that was killed: Ray would look for that one for minutes.
    """
    noted = Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray" / "ray_current_cluster"
    try:
        address = noted.read_text(encoding="utf-8").strip()
        _knock(address)
    except (OSError, UnicodeDecodeError, ClusterError):
        return ""
    return address


def _knock(address: str) -> None:
    """Looks whether anybody listens there: Ray itself goes on trying for minutes."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit()):
        return  # a name of Ray's own, such as "local"
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: Exception) -> ClusterError:
    where = os.environ.get("RAY_ADDRESS", address) if address == AUTO else address
    return ClusterError(
        "No cluster answers at {address}: {reason}.",
        "Look at it there: ray status. Or run on this machine alone: --cluster auto, without RAY_ADDRESS",
        address=where,
        reason=_first_line(error),
    )


def _other_version(address: str, error: Exception) -> ClusterError:
    return ClusterError(
        "The cluster at {address} and this machine do not fit together: {reason}.",
        "Install the same versions of Python, Ray and zoo on all machines.",
        address=address,
        reason=" ".join(str(error).split()),
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _found(ray: Any, begun: bool) -> Cluster:
    nodes = [node for node in ray.nodes() if node["Alive"]]
    return Cluster(len(nodes), dict(ray.cluster_resources()), begun)


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Generator[None, None, None]:
    """Sets variables that nobody has set, as long as the block runs: Ray's processes read them where they begin."""
    new = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


def shown(cluster: Cluster) -> Message:
    """Says what a cluster is, for people."""
    cpus = int(cluster.resources.get("CPU", 0))
    if cluster.begun:
        return Message("a cluster of this machine alone, {cpus} cores", cpus=cpus)
    return Message("a cluster of {nodes} machines, {cpus} cores", nodes=cluster.nodes, cpus=cpus)
