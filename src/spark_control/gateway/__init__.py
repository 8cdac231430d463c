"""One URL for every model: route by model name, pass bytes through."""
