"""One worker process, seen from the event loop of the process that speaks HTTP."""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import subprocess
from collections.abc import Sequence

import numpy as np

from zoo.base.child import environment, python
from zoo.engine.streams.memory import Block, appended
from zoo.engine.trial import signal_name
from zoo.errors import ServeError
from zoo.message import Message, printable
from zoo.serve.exchange import KEPT, LONGEST, Answered, Asked, WorkerOrder, WorkerReply
from zoo.serve.server_options import KEY_VARIABLE

# How long a worker that was told to end may take, in seconds; it ends by itself after two.
_PATIENCE = 4.0
_LAST_WORDS = 400


class WorkerDiedError(Exception):
    """The process ended; the text says how."""


class WorkerLink:
    """A process that is started at once. Questions are asked one after the other.

    Args:
        order: What it opens.
        threads: For libraries that look for their number in the environment.

    Raises:
        ServeError: It cannot be started.
        MemoryError: What it is to be told cannot be shared.
    """

    def __init__(self, order: WorkerOrder, threads: int) -> None:
        self._bodies, self._answers = Block(), Block()
        told = np.frombuffer(pickle.dumps(order), np.uint8)
        handed = self._bodies.put(told)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._said = appended("zoo-said")
        with theirs:
            self._process = self._started(theirs.fileno(), threads)
        socket.send_fds(self._socket, [str(told.size).encode()], handed)
        self._bodies.free()
        self._socket.setblocking(False)
        self.ended = False

    def _started(self, descriptor: int, threads: int) -> subprocess.Popen[bytes]:
        variables = {**environment(), "OMP_NUM_THREADS": str(threads)}
        # What decodes the pictures of strangers need not know it.
        variables.pop(KEY_VARIABLE, None)
        try:
            return subprocess.Popen(
                python("zoo.serve.worker.worker_main", str(descriptor), str(os.getpid())),
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                pass_fds=[descriptor],
                # Ctrl-C of a terminal is for the process that uses it.
                start_new_session=True,
            )
        except OSError as error:
            raise ServeError(
                "A worker cannot be started: {reason}.", "Use fewer of them: --workers 1", reason=error
            ) from error

    @property
    def process_id(self) -> int:
        """Its process."""
        return self._process.pid

    async def begun(self) -> WorkerReply:
        """Waits until its models are open.

        Raises:
            WorkerDiedError: The process ended.
        """
        reply, _ = await self._reply()
        return reply

    async def gone(self) -> None:
        """Waits for the end of a process that was asked nothing.

        Raises:
            WorkerDiedError: That it ended.
        """
        await _readable(self._socket)
        raise await self._died()

    async def ask(self, asked: Sequence[Asked], bodies: Sequence[bytes | bytearray]) -> tuple[WorkerReply, list[bytes]]:
        """Asks for answers; returns them with their contents.

        Raises:
            WorkerDiedError: The process ended.
            MemoryError: The bodies cannot be shared.
        """
        content = np.frombuffer(bodies[0] if len(bodies) == 1 else b"".join(bodies), np.uint8)
        handed = self._bodies.put(content) if content.size else []
        message = pickle.dumps([(one, len(body)) for one, body in zip(asked, bodies, strict=True)])
        try:
            socket.send_fds(self._socket, [message], handed)
        except OSError:
            raise await self._died() from None
        if content.size > KEPT:
            self._bodies.free()
        self._said.truncate(0)
        return await self._reply()

    async def _reply(self) -> tuple[WorkerReply, list[bytes]]:
        await _readable(self._socket)
        try:
            message, received, *_ = socket.recv_fds(self._socket, LONGEST, 1)
        except OSError:
            message, received = b"", []
        for descriptor in received:
            self._answers.take(descriptor)
        if not message:
            raise await self._died()
        reply: WorkerReply = pickle.loads(message)
        lengths = [one.length if isinstance(one, Answered) else 0 for one in reply.outcomes]
        whole = self._answers.get((sum(lengths),), "|u1").data if sum(lengths) else memoryview(b"")
        contents: list[bytes] = []
        for length in lengths:
            contents.append(bytes(whole[:length]))
            whole = whole[length:]
        whole.release()
        if sum(lengths) > KEPT:
            self._answers.free()
        return reply, contents

    async def _died(self) -> WorkerDiedError:
        await self.end()
        status = self._process.returncode
        how = Message("exit status {status}", status=status) if status >= 0 else signal_name(-status)
        self._said.seek(0)
        words = self._said.read()[-_LAST_WORDS:].decode("utf-8", "replace").strip()
        return WorkerDiedError(f"{how}: {printable(words)}" if words else str(how))

    def kill(self) -> None:
        """Ends it at once; whoever waits for an answer is told."""
        self._process.kill()

    async def end(self) -> None:
        """Lets it end, and waits for that."""
        if self.ended:
            return
        self.ended = True
        self._socket.close()
        self._bodies.free()
        self._answers.free()
        for pause in (0.01, 0.05, *[0.1] * round(_PATIENCE / 0.1)):
            if self._process.poll() is not None:
                return
            await asyncio.sleep(pause)
        self._process.kill()
        await asyncio.to_thread(self._process.wait)


async def _readable(here: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    told: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not told.done():
            told.set_result(None)

    loop.add_reader(here.fileno(), tell)
    try:
        await told
    finally:
        loop.remove_reader(here.fileno())
