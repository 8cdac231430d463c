"""Who gets in: host names, origins, the owner token and sessions of the page."""
