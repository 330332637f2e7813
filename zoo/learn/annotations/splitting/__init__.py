"""The lists of a dataset folder written anew."""
