"""Engines' metrics over HTTP."""
