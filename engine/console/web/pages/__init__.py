"""One module for each part of the console, with its routes."""
