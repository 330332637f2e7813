"""The `zoo` command: data goes to stdout, words for people to stderr."""


def main() -> None:
    """Runs the `zoo` command and ends the process with its exit code."""
    from zoo.base.streams import keep_stdout, open_streams

    open_streams()
    keep_stdout()
    from zoo.cli.app import cli

    cli(prog_name="zoo")
