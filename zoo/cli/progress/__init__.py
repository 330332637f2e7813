"""What is shown while a command works: one line of the terminal, rewritten and gone at the end."""
