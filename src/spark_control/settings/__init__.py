"""Settings: one table, read from the environment and a file, changed live."""
