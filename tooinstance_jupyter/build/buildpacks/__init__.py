"""The runtimes: one small class a file, found through entry points. The contract is ``build.base``."""
