"""Proof before use: which engines give a model's masks on this machine, and which of them is the fastest."""
