"""From a picture to the input of a network, and from its output to a label map."""
