"""Programs that run on a Spark, sent over stdin; they import nothing of ours."""
