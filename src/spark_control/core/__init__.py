"""What every room stands on: errors, time, ids, tasks, the bus, commands and SQL."""
