"""Scripts that run on a Spark; nothing here is imported by the rest."""
