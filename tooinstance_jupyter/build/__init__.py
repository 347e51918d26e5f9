"""From a source to an environment: fetch, detect, build, check."""
