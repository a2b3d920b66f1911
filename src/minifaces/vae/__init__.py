"""The variational autoencoder: configuration, networks, losses, where faces come from, and the training run.

What follows training, `minifaces.fits` does. One of the three rooms that import torch."""
