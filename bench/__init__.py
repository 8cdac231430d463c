"""Measures what the design promises in milliseconds and megabytes; `python -m bench` runs it."""
