"""The explorer: a page that decodes faces by itself, written for any static host or as a single file."""
