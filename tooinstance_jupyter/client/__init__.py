"""The one interface of all front ends, in its forms. The contract is in ``base``."""
