"""Engines that somebody else started and the operator handed over: swaps may end them."""

import logging
from dataclasses import dataclass

from spark_control.engines.domain import Address
from spark_control.fleet.ports import Host
from spark_control.swap.errors import AdoptionUnkept
from spark_control.swap.foreign import Holder, Ours, judge
from spark_control.swap.foreign_ports import Adopted, Holders

log = logging.getLogger(__name__)


async def forget(adopted: Adopted, spark: str) -> None:
    """Forget the one that has ended. Failing to is no error: no other run has its id."""
    try:
        await adopted.put(spark, None)
    except AdoptionUnkept as error:
        log.warning("%s is still noted as taken over: %s", spark, error.message)


@dataclass(kw_only=True, slots=True)
class Adoption:
    """Implements Strangers. A Spark with nothing of ours or handed over is asked nothing."""

    holders: Holders
    adopted: Adopted

    async def admits(self, spark: str, host: Host, address: Address, *, ours: str = "") -> bool:
        known = self.adopted.get(spark)
        if known is None and not ours:
            return False
        holder = await self.holders.find(host, address)
        if holder is None:
            return bool(ours)  # it answered a moment ago, and has ended
        return judge(holder, ours, known) is not Ours.NO

    async def evict(self, spark: str, host: Host, address: Address, *, timeout_s: float) -> bool:
        holder = await self._there(spark, host, address)
        if holder is None:
            return False
        await self.holders.end(host, holder, timeout_s=timeout_s)
        await forget(self.adopted, spark)
        return True

    async def _there(self, spark: str, host: Host, address: Address) -> Holder | None:
        """Return what was handed over, if it is that what still listens."""
        known = self.adopted.get(spark)
        if known is None:
            return None
        holder = await self.holders.find(host, address)
        return holder if holder is not None and holder.id == known else None
