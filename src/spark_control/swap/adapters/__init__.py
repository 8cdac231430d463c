"""Ways to launch an engine."""
