"""`zoo serve`: a process that speaks HTTP and never touches a picture, and worker processes that do nothing else."""
