"""Talking to a container engine and confining a container: what builds and runs have in common."""
