"""Results as pictures for people: colours, overlays, legends, and how a terminal or notebook shows them."""
