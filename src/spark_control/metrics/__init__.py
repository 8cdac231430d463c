"""Numbers for Prometheus: our own, and those of the engines with Spark and model on them."""
