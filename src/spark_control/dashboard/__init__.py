"""The page of Spark Control, and the stream of events that keeps it current."""
