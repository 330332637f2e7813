"""What a run keeps in its folder beside its settings."""
