"""Access keys on disk."""
