"""An export folder: its settings, its files, what they must look like, and folders of PaddleX and PaddleSeg."""
