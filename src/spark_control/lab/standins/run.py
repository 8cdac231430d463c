"""Starts one stand-in: `python -I -S run.py NAME ARGS…`, fast, with no site packages."""

import importlib
import sys
from pathlib import Path

PROGRAMS = {
    "core": "llama_core",
    "df": "small",
    "docker": "docker",
    "ethtool": "small",
    "git": "small",
    "hf": "small",
    "ip": "small",
    "lab-service": "service",
    "launch-cluster.sh": "launch_cluster",
    "nvidia-smi": "nvidia_smi",
    "pgrep": "pkill",
    "pkill": "pkill",
    "ray::RayWorkerWrapper": "vllm",
    "shim": "shim",
    "ssh": "ssh",
    "stranger": "stranger",
    "vllm": "vllm",
}


def main() -> int:
    """Run the program named first with the words after it."""
    name = sys.argv[1]
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    program = importlib.import_module(f"spark_control.lab.standins.{PROGRAMS[name]}")
    code: int = program.main(name, sys.argv[2:])
    return code


if __name__ == "__main__":
    sys.exit(main())
