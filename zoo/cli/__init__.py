"""The `zoo` command: data goes to stdout, words for people to stderr."""


def main() -> None:
    """Runs the `zoo` command and ends the process with its exit code."""
    from zoo.base.signals import answer_signals, end_at_once, exit_code
    from zoo.base.stdio import keep_stdout, open_streams

    answer_signals()
    open_streams()
    keep_stdout()
    try:
        from zoo.cli.app import cli

        cli(prog_name="zoo")
    except KeyboardInterrupt as end:  # before there is a command to say so
        raise SystemExit(exit_code(end)) from None
    finally:
        end_at_once()
