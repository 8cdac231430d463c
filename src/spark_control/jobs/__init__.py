"""Long work that a person can watch, cancel and look up later."""
