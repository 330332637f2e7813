"""The first lines of every Python that zoo starts: run a module of zoo, and import nothing from the current folder.

    python zoo/base/start.py MODULE ARGUMENT...

`python -m` looks into the current folder before all others, so that a file numpy.py among a user's pictures would be
run. `-P`, which ends that, came with Python 3.11. Run by its path, and imported by nobody.
"""

import sys

# Python puts the folder of this file first, unless it was told not to; nothing may be imported from there either.
if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

import runpy

del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
