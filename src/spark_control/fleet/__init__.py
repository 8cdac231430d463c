"""The Sparks: how to reach them and what their hardware does."""
