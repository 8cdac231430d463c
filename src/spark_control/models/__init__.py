"""The menu: which models are on which Spark, and how each is launched."""
