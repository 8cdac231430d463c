"""The command line: a client of the HTTP API that knows no other room but core."""
