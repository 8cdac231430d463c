"""The commands of a Spark, as small programs of the standard library that behave like them."""
