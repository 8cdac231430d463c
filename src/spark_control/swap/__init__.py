"""Swap the model on a Spark: plan purely, launch over SSH, be ready only after a real token."""
