"""Files that people write, read within limits and checked with the place of every fault."""
