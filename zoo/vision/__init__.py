"""Pictures: reading, preprocessing, label maps."""
