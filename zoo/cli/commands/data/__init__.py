"""Commands about the user's own labelled pictures."""
