"""The script that reads a Spark's hardware, as it is sent there."""

from importlib.resources import files


def hardware_script() -> bytes:
    """Return the script's text. Waits for the disk."""
    return (files("spark_control.fleet.remote") / "hardware.py").read_bytes()
