"""Spark 2 goes off while a model is brought up over both: for good and for a moment."""

from dataclasses import replace
from pathlib import Path

from spark_control.lab.faults import Fault
from tests.fleet.system import system
from tests.fleet.test_cluster import MODEL, PATIENT, cluster, containers, entered


async def test_the_worker_goes_off_while_loading(tmp_path: Path) -> None:
    """It is awaited for its time; what cannot be stopped there is said."""
    async with system(tmp_path, limits=replace(PATIENT, lost=1.0)) as there:
        await there.lab.set_fault("spark1", Fault.NEVER_READY)
        job = await there.swap(MODEL)
        await entered(there, job["id"], "loading")
        await there.lab.set_fault("spark2", Fault.OFFLINE)
        done = await there.ended(job)
        assert (done["state"], done["phase"]) == ("failed", "loading"), done
        assert done["error"]["code"] in {"host_unreachable", "connection_lost"}, done
        assert "spark2" in done["error"]["detail"]["left"]
        assert containers(there)[0] == 0
        await there.lab.clear_fault("spark2", Fault.OFFLINE)
        await there.lab.clear_fault("spark1", Fault.NEVER_READY)
        again = await there.swapped(MODEL)
        assert (again["state"], containers(there)) == ("ready", [1, 1]), again


async def test_the_worker_is_away_for_a_moment(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await there.lab.set_fault("spark2", Fault.NEVER_READY)
        job = await there.swap(MODEL)
        await entered(there, job["id"], "loading")
        await there.lab.set_fault("spark2", Fault.OFFLINE)
        await there.lab.clear_fault("spark2", Fault.OFFLINE)
        await there.lab.clear_fault("spark2", Fault.NEVER_READY)
        done = await there.ended(job)
        assert (done["state"], containers(there)) == ("ready", [1, 1]), done
