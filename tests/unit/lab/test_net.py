"""Labs on one machine get addresses of their own."""

import pytest

from spark_control.lab.errors import LabAddress
from spark_control.lab.net import claim


def test_two_claims_do_not_meet() -> None:
    one, two = claim(3), claim(2)
    try:
        assert len({*one.hosts, *two.hosts}) == 5
        assert all(host.startswith("127.0.") for host in one.hosts)
    finally:
        one.release()
        two.release()


@pytest.mark.parametrize("sparks", [0, 201])
def test_numbers_no_lab_has(sparks: int) -> None:
    with pytest.raises(LabAddress):
        claim(sparks)
