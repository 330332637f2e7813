"""`zoo data`: the user's own datasets."""
