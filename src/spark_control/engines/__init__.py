"""What an engine is, and what the rooms need to know of one."""
