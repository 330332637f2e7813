"""How long `import zoo` and `zoo list-models` take, as ratios to bare Python and to click's own import.

    python benchmarks/startup.py [ROUNDS]

The commands are run in turn, so that a busy moment of the machine hits all of them alike; medians are compared.
Goals: `import zoo` adds less than 5 ms; `zoo list-models` stays under 3 times (bare Python + click's import).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from machine import describe

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import zoo": ["-c", "import zoo"],
    "import click": ["-c", "import click"],
    "import pluggy": ["-c", "import pluggy"],
    "import importlib.metadata": ["-c", "import importlib.metadata"],
    "zoo --help": ["-m", "zoo", "--help"],
    "zoo list-models": ["-m", "zoo", "list-models"],
}


def main() -> None:
    """Prints one line a command, then the two goals."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for round_number in range(rounds + 1):
        for name, arguments in COMMANDS.items():
            seconds = run(arguments)
            if round_number:  # the first round fills the caches
                times[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    bare = medians["python -c pass"]
    print(describe("click", "pluggy"), f"- {rounds} rounds")
    for name, median in medians.items():
        print(f"{name:<28}{1000 * median:8.1f} ms  {median / bare:6.2f} x bare Python")
    print(f"import zoo adds {1000 * (medians['import zoo'] - bare):.1f} ms (goal: under 5)")
    # `import click` includes bare Python once, so it is already the sum the goal names.
    ratio = medians["zoo list-models"] / medians["import click"]
    print(f"zoo list-models takes {ratio:.2f} x (bare Python + click's import) (goal: under 3)")


def run(arguments: list[str]) -> float:
    """Returns the seconds one command took."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
