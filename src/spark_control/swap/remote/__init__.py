"""Programs of their own that this room runs in containers."""
