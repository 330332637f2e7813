"""Masks drawn from shapes, run lengths and other masks."""
