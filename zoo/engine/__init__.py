"""Inference engines and devices: which are used, and sessions that run programs."""
