"""`python -m zoo` is the `zoo` command."""

import sys

from zoo.base.child import import_paths
from zoo.cli import main

if __name__ == "__main__":
    # `-m` has put the current folder first; the script `zoo` does without it too.
    sys.path[:] = import_paths()
    main()
