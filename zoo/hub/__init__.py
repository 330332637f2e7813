"""Model files on this machine: export folders and where they are kept."""
