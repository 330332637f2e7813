"""The page to try a model in a browser: static files, and the module that returns them."""
