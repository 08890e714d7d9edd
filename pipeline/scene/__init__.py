"""What is shown: a photograph, its superpixels, and what a switched-off one shows."""
