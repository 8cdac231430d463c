"""The process that owns the public port: answers `/v1`, relays everything else to control."""
