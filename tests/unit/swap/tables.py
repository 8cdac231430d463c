"""The table that comes with Spark Control, for tests of what is judged by it."""

import json
from importlib.resources import files

from spark_control.swap.options import Table, read_table


def packaged() -> Table:
    text = (files("spark_control.swap") / "vllm_options.json").read_bytes()
    return read_table(json.loads(text))
