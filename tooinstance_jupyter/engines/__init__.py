"""The engines: what runs an environment. The contract is in ``base``."""
