"""A run in several processes."""
