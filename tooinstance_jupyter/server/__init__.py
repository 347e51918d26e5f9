"""The Jupyter server's extension: an HTTP API over one installation, for many principals."""
