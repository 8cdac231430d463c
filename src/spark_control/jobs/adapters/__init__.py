"""Jobs in a database and their logs on disk."""
