"""The composition root: settings, adapters, use cases, ASGI; the only room that knows them all."""
