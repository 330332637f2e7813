"""What authors of plugins need."""
