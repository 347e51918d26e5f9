"""One file for each kind of source that becomes an image."""
