"""Do the same on several Sparks at once: all of it is done, or tried, before anything is said."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def together(*works: Coroutine[Any, Any, T]) -> list[T]:
    """Return what each of `works` returned; raises what the first of them that failed raised.

    None is left running behind: a Spark that fails must not have another one half done.
    """
    ended = await asyncio.gather(*works, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if not isinstance(one, BaseException)]
