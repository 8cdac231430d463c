"""Lets a package be imported that looks for shared libraries, without the search.

`ctypes.util.find_library` starts ldconfig, a compiler and a linker for each library that is not
there: a tenth of a second at every start. The SSH library looks so for two rare ones (UMAC and an
old post-quantum key exchange) and does well without them.
"""

import ctypes.util
from collections.abc import Iterator
from contextlib import contextmanager


def _nowhere(name: str) -> str | None:
    """Stand in for the search: whatever `name` is, it is not there."""
    del name
    return None


@contextmanager
def none_searched() -> Iterator[None]:
    """Answer every search for a shared library with "there is none"."""
    search = ctypes.util.find_library
    ctypes.util.find_library = _nowhere
    try:
        yield
    finally:
        ctypes.util.find_library = search
