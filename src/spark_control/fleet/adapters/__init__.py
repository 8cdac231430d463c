"""How a Spark is reached: over SSH, or as the machine Spark Control runs on."""
