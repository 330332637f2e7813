"""The routes: what is asked and answered."""
