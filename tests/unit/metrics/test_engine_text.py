"""What an engine says goes on only as far as it is understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from spark_control.metrics.engine_text import LONGEST, MOST_SAMPLES, merge

LABELS = {"host": "spark1", "model": "qwen36"}
VLLM = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="qwen36"} 2.0
# HELP vllm:time_to_first_token_seconds Histogram of time to first token in seconds.
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{le="0.001",model_name="qwen36"} 0.0
vllm:time_to_first_token_seconds_bucket{le="+Inf",model_name="qwen36"} 3.0
vllm:time_to_first_token_seconds_count{model_name="qwen36"} 3.0
vllm:time_to_first_token_seconds_sum{model_name="qwen36"} 0.75
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{model_name="qwen36"} 1.2e+06 1700000000000
vllm:bare 7
# TYPE python_gc counter
python_gc 4
"""


def test_samples_get_our_labels_and_stay_with_their_family() -> None:
    text = merge([(LABELS, VLLM), ({**LABELS, "host": "spark2"}, VLLM)])
    families = {found.name: found for found in text_string_to_metric_families(text)}
    assert set(families) == {
        "vllm:num_requests_running", "vllm:time_to_first_token_seconds", "vllm:prompt_tokens",
        "vllm:bare",
    }  # fmt: skip
    ttft = families["vllm:time_to_first_token_seconds"]
    assert ttft.type == "histogram"
    assert len(ttft.samples) == 8
    assert {sample.labels["host"] for sample in ttft.samples} == {"spark1", "spark2"}
    assert all(sample.labels["model"] == "qwen36" for sample in ttft.samples)
    assert families["vllm:bare"].samples[0].value == 7


def test_a_label_of_ours_is_ours() -> None:
    text = merge([(LABELS, 'vllm:x{host="evil",a="b"} 1')])
    assert text.endswith('vllm:x{exported_host="evil",a="b",host="spark1",model="qwen36"} 1\n')


def test_our_labels_are_escaped() -> None:
    labels = {"model": 'a"b\\c\nd' + "x" * LONGEST}
    [family] = text_string_to_metric_families(merge([(labels, "vllm:x 1")]))
    assert family.samples[0].labels["model"].startswith('a"b\\c\nd')


@pytest.mark.parametrize(
    "line",
    [
        "spark_control_host_up 1",
        "vllm:x",
        "vllm:x one",
        "vllm:x 1_0",
        'vllm:x{a="b} 1',
        'vllm:x{a=b} 1',
        'vllm:x{a="\\x"} 1',
        'vllm:x{a="' + "b" * (LONGEST + 1) + '"} 1',
        'vllm:x{} 1 2 3',
        'vllm:x{a="b"}{c="d"} 1',
        "# TYPE vllm:x nonsense",
        "# TYPE vllm:x gauge more",
        "vllm:x{a=\"b\"} 1\rspark_control_host_up 0",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_left_out(line: str) -> None:
    assert merge([(LABELS, line)]) == ""


def test_only_so_many() -> None:
    text = "".join(f'vllm:x{{n="{n}"}} 1\n' for n in range(MOST_SAMPLES + 10))
    assert merge([(LABELS, text)]).count("\n") == MOST_SAMPLES + 1


PIECES = ("vllm:a", "{", "}", 'l="v"', ",", " ", "1", "\n", "#", "\\", '"', "NaN", "\x00", "ü",
          "# TYPE vllm:a gauge\n")  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_no_text_breaks_the_page(pieces: list[str]) -> None:
    for family in text_string_to_metric_families(merge([(LABELS, "".join(pieces))])):
        assert family.name.startswith("vllm:")
        for sample in family.samples:
            assert sample.labels["host"] == "spark1"
