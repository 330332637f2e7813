"""`zoo serve`: models as an HTTP service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from zoo.cli.commands.completion import MODEL, PIPELINE
from zoo.cli.language import translate
from zoo.cli.notes import alert, note, quiet
from zoo.cli.options import Size, Word, lock_options, offline_option
from zoo.cli.progress.loading import loading
from zoo.cli.run_options import given, run_options
from zoo.message import printable

_KEY = "ZOO_API_KEY"
_NEAR = ("127.0.0.1", "::1", "localhost")


@click.command()
@click.argument("models", nargs=-1, type=MODEL)
@click.option(
    "--pipeline", type=PIPELINE, help="semantic_segmentation, or a pipeline file; options given here beat it."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port; 0 for a free one.")
@click.option("--workers", "processes", type=click.IntRange(1, 256), help="Processes; by default one a core.")
@click.option("--queue", type=click.IntRange(1, 100_000), help="Requests that wait at most; by default 8 a worker.")
@click.option(
    "--max-batch",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Requests of one size that run together at most; more than 1 pays on devices only.",
)
@click.option(
    "--max-wait-ms",
    type=click.FloatRange(0, 10_000),
    default=0.0,
    show_default=True,
    help="Milliseconds that a request waits for others to run with it.",
)
@click.option("--max-body", type=Size(), default="20M", show_default=True, help="Most bytes of a request's body.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 86_400),
    default=120.0,
    show_default=True,
    help="Seconds that a request waits at most, and runs at most.",
)
@click.option(
    "--grace",
    type=click.FloatRange(1, 86_400),
    default=30.0,
    show_default=True,
    help="Seconds that running requests have when the server is stopped.",
)
@click.option("--memory", type=Size(), help="Memory for models, such as 4G; the least used ones leave.")
@click.option(
    "--api-key-file",
    type=click.Path(path_type=Path),
    help="File with the key that clients must send; or set ZOO_API_KEY.",
)
@click.option("--allow-url", multiple=True, metavar="HOST[:PORT]", help="Fetch pictures from this host.")
@click.option("--allow-origin", multiple=True, metavar="URL", help="Let pages of this site ask without a key.")
@click.option("--log-format", type=Word(["text", "json"]), default="text", show_default=True, help="Form of the log.")
@click.option("--check", is_flag=True, help="Start, segment one picture, and stop.")
@run_options("serve")
@lock_options
@offline_option
@click.pass_context
def serve(
    ctx: click.Context,
    models: tuple[str, ...],
    pipeline: str | None,
    api_key_file: Path | None,
    check: bool,
    lock: Path | None,
    offline: bool | None,
    **settings: Any,
) -> None:
    """Serve MODELS over HTTP, starter if none is named. NAME=MODEL gives one another name."""
    from zoo.predict.pipeline import PipelineConfig, read_pipeline
    from zoo.serve.web_packages import check_packages

    check_packages()
    from zoo.serve.run_server import run_server
    from zoo.serve.served import find_served
    from zoo.serve.server_options import ServerOptions
    from zoo.serve.web.request_log import request_log

    options = given(ctx)
    config = (PipelineConfig("starter") if pipeline is None else read_pipeline(pipeline)).override(**options)
    for each in config.notes:
        note(printable(each))
    server = ServerOptions(
        host=settings["host"],
        port=0 if check else settings["port"],
        workers=settings["processes"],
        threads=options.get("threads"),
        queue=settings["queue"],
        max_batch=settings["max_batch"],
        max_wait=settings["max_wait_ms"] / 1000,
        max_body=settings["max_body"],
        timeout=settings["timeout"],
        grace=settings["grace"],
        memory=settings["memory"],
        key=_key(api_key_file),
        allow_urls=settings["allow_url"],
        allow_origins=settings["allow_origin"],
        log_format=settings["log_format"],
        offline=offline,
        lock=lock,
    )
    with loading("loading {model}", model=", ".join(models) or config.model) as progress:
        served = find_served(models, config, offline=offline, lock=lock, progress=progress)
    if not server.key and server.host not in _NEAR:
        alert(
            "Whoever reaches {host} may use this server: it has no key.\nGive it one: --api-key-file FILE",
            host=server.host,
        )
    silent = quiet()

    def told(url: str) -> None:
        if not silent:
            alert("Serving {models:, } on {url}", models=list(served), url=url)

    with request_log(server.log_format, silent):
        whole = run_server(served, server, told, (lambda said: click.echo(translate(said))) if check else None)
    if not whole:
        alert("Requests that ran longer than {grace:g} s were cut off.", grace=server.grace)
        ctx.exit(1)


def _key(file: Path | None) -> str:
    """Returns the key of clients, from a file or the environment: on the command line everybody would see it."""
    from zoo.errors import ServeError

    if file is None:
        return os.environ.get(_KEY, "").strip()
    try:
        key = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ServeError(
            "The key cannot be read from {file}: {reason}.", "Check the path.", file=file, reason=reason
        ) from error
    if not key:
        raise ServeError("{file} is empty. A key was expected.", "Write one into it.", file=file)
    return key
