"""What a new run is, before there is a folder of it."""
