"""Spark Control: the control plane and private AI gateway for a small fleet of DGX Sparks."""

__version__ = "0.1.0"
