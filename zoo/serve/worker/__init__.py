"""What a worker process does: read a request's body, run the picture, encode the answer."""
