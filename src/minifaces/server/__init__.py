"""The explorer and a model over HTTP, for one machine's browser or for many."""
