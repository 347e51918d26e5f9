"""The runtimes: one small class a file, found by entry points. The contract: ``build.base``."""
