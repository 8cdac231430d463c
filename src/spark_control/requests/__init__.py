"""What was asked of the models: a record of each request, without its words."""
