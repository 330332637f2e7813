"""What `make release` and `make docs` do: build, check, install and list what would be published; publish nothing."""
