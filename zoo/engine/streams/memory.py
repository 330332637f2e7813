"""Memory that two processes share."""

from __future__ import annotations

import fcntl
import mmap
import os
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray


class Block:
    """A piece of memory for one array at a time. It grows, and is used again for the next.

    One side puts arrays into it, the other gets them. The memory has no name: it is freed when both have let go of it,
    or have ended in whatever way.
    """

    def __init__(self) -> None:
        self._descriptor = -1
        self._map: mmap.mmap | None = None

    def put(self, array: NDArray[Any]) -> list[int]:
        """Copies an array into it.

        Returns:
            Where there is a new piece of memory, its descriptor, for the other side to `take` first; it stays open
            until the next one.

        Raises:
            MemoryError: There is not as much memory.
        """
        handed: list[int] = []
        if self._map is None or len(self._map) < array.nbytes:
            self.free()
            self._allocate(max(array.nbytes, mmap.PAGESIZE))
            handed = [self._descriptor]
        self.get(array.shape, array.dtype.str)[...] = array
        return handed

    def get(self, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """Returns the array that is in it, without a copy: the next one overwrites it."""
        return np.ndarray(shape, np.dtype(dtype), buffer=self._map)

    def take(self, descriptor: int) -> None:
        """Goes over to a new piece of memory."""
        self.free()
        self._descriptor = descriptor
        self._map = mmap.mmap(descriptor, os.fstat(descriptor).st_size)

    def free(self) -> None:
        """Lets go of the memory; arrays that are in use keep it until they go."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._map = -1, None

    def _allocate(self, size: int) -> None:
        try:
            self._descriptor = os.memfd_create("zoo")
            # Now: memory that is missing later ends the process that writes.
            os.posix_fallocate(self._descriptor, 0, size)
        except OSError as error:
            raise MemoryError(f"{size} bytes cannot be shared: {error}") from error
        self._map = mmap.mmap(self._descriptor, size)


def appended(name: str) -> BinaryIO:
    """Returns a file in memory that is written at its end, whoever has cut it off meanwhile.

    Args:
        name: Its name, for people who look at what a process has open.
    """
    descriptor = os.memfd_create(name)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_APPEND)
    return open(descriptor, "rb+")
