"""What is fitted to a trained network afterwards, so that a model can be played with; `minifaces.fits.shape` tells how.

The priors that new faces are drawn from, the editor, the edit directions and the gallery; and the model folder that
they make with the exported networks. One of the three rooms that import torch."""
