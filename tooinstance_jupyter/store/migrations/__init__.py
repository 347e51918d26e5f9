"""The database's history: one file in ``versions`` for each change of its schema."""
