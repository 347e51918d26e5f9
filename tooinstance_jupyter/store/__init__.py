"""Where records are kept: a database behind one class, and its migrations."""
