"""One function an operation, its paddle definition named in the docstring; each module has a table of its own."""
