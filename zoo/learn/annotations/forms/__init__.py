"""Annotations found in folders, one module a format."""
