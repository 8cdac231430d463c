"""The models of the lab are a believable set."""

import pytest

from spark_control.lab.catalogue import GEMMA3, MODELS, SMOLLM2, Flaw, chosen, held_by
from spark_control.lab.errors import LabModelUnknown
from spark_control.lab.standins.memory import TOTAL_GIB
from spark_control.lab.standins.vllm_fit import kv_bytes, longest


def test_every_kind_of_model_is_there() -> None:
    assert {SMOLLM2, GEMMA3} <= {model.repo for model in MODELS}
    assert any(model.flaw is Flaw.DOWNLOADING for model in MODELS)
    assert any(model.local for model in MODELS)
    # One that needs two Sparks.
    assert any(model.size / 2**30 > 0.9 * TOTAL_GIB for model in MODELS)
    assert any("modules.json" in model.extra for model in MODELS)
    assert len({model.key for model in MODELS}) == len(MODELS)


def test_every_config_tells_length_and_cache() -> None:
    for model in MODELS:
        assert kv_bytes(model.config) > 0, model.key
        assert longest(model.config) >= 8192, model.key


def test_only_some_are_on_one_spark() -> None:
    first, second = ({m.key for m in held_by(number, MODELS)} for number in (1, 2))
    assert first - second
    assert second - first
    assert "smollm2" in first & second
    assert {model.key for model in held_by(7, MODELS)} == first & second


def test_chosen_takes_keys_and_repositories() -> None:
    assert chosen(None) == MODELS
    assert chosen(()) == ()
    assert [model.key for model in chosen(("smollm2", GEMMA3))] == ["smollm2", "gemma3-270m"]


def test_a_model_that_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(LabModelUnknown, match=r"'nosuch'.*smollm2"):
        chosen(("smollm2", "nosuch"))
