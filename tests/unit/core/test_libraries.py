"""Shared libraries are not searched for while a package is imported, and are afterwards."""

import ctypes.util

import pytest

from spark_control.core.libraries import none_searched


def test_the_search_is_back_afterwards_also_when_the_import_fails() -> None:
    before = ctypes.util.find_library
    with none_searched():
        assert ctypes.util.find_library("c") is None
    assert ctypes.util.find_library is before
    with pytest.raises(ImportError), none_searched():
        raise ImportError
    assert ctypes.util.find_library is before
