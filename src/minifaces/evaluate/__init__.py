"""How good a model is: features to measure it with, and what is read off its faces."""
