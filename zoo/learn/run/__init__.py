"""Training on one's own data: the settings of a run, its folder, and what carries it out."""
