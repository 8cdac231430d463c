"""Layers of settings: file over environment over default, and nothing bad gets in."""

import pytest

from spark_control.settings.domain import (
    Problem,
    Settings,
    Source,
    Spark,
    Value,
    changed,
    first_copy,
    merge,
    read_value,
)
from spark_control.settings.errors import SettingInvalid, SettingUnknown
from spark_control.settings.table import TABLE


def test_file_over_environment_over_default() -> None:
    settings = merge({"VLLM_PORT": "8001", "VLLM_CONTAINER": "a"}, {"VLLM_PORT": "8002"})
    assert settings.value("VLLM_PORT") == Value("8002", Source.FILE)
    assert settings.value("VLLM_CONTAINER") == Value("a", Source.ENVIRONMENT)
    assert settings.value("MAX_BODY_MB") == Value("64", Source.DEFAULT)
    assert settings.problems == ()


def test_blank_and_malformed_values_fall_back_and_are_reported() -> None:
    settings = merge(
        {"VLLM_PORT": "8001", "MAX_BODY_MB": " ", "BIND": "a b", "AUTH_TOKEN": "", "HOME": "/x"},
        {"VLLM_PORT": "many", "OPEN_WEBUI_URL": "x"},
    )
    assert settings.number("VLLM_PORT") == 8001
    assert settings.number("MAX_BODY_MB") == 64
    assert settings.text("BIND") == "127.0.0.1"
    assert [(p.name, p.source) for p in settings.problems] == [
        ("BIND", Source.ENVIRONMENT),
        ("MAX_BODY_MB", Source.ENVIRONMENT),
        ("OPEN_WEBUI_URL", Source.FILE),
        ("VLLM_PORT", Source.FILE),
    ]
    assert "'8001' is used instead" in settings.problems[-1].reason
    assert settings.problems[2].reason.endswith("It is ignored.")


def test_a_blank_value_of_a_file_uses_the_environment() -> None:
    settings = merge({"VLLM_PORT": "8001"}, {"VLLM_PORT": ""})
    assert settings.number("VLLM_PORT") == 8001
    assert settings.problems == (
        Problem("VLLM_PORT", Source.FILE, "is blank; '8001' is used"),
    )  # fmt: skip


def test_a_bad_secret_never_shows() -> None:
    settings = merge({}, {"HF_TOKEN": "tell\nme", "UPSTREAMS": "hunter2"})
    assert settings.text("HF_TOKEN") == ""
    assert "tell" not in str(settings.problems)
    assert "hunter2" not in str(settings.problems)


def test_unknown_keys_of_the_file_are_named() -> None:
    assert merge({}, {"SOME_FUTURE_KEY": "kept"}).unknown == ("SOME_FUTURE_KEY",)


def test_values_that_are_no_texts_are_read_as_json() -> None:
    settings = merge({}, {"VLLM_PORT": 9000, "HF_TOKEN": None, "ALIASES": {"gpt-4": "qwen36"}})
    assert settings.number("VLLM_PORT") == 9000
    assert settings.pairs("ALIASES") == {"gpt-4": "qwen36"}


def test_the_fleet() -> None:
    settings = merge(
        {
            "SPARK1_HOST": "10.88.0.11", "SPARK1_USER": "user",
            "SPARK2_HOST": "10.88.0.12", "SPARK2_PORT": "2222", "SPARK2_NAME": "spark1",
            "SPARK4_HOST": "spark4.example.org", "SPARK4_NAME": "big",
        },
        {},
    )  # fmt: skip
    assert settings.sparks == (
        Spark("spark1", "10.88.0.11", "user"),
        Spark("spark2", "10.88.0.12", "", 2222),
        Spark("big", "spark4.example.org", ""),
    )
    assert settings.text("VLLM_HOST") == "10.88.0.11"
    assert settings.text("PARAKEET_HOST") == "10.88.0.12"
    assert settings.text("PARAKEET_USER") == ""


def test_this_machine_needs_no_ssh() -> None:
    assert Spark("spark1", "localhost", "").here
    assert not Spark("spark1", "localhost", "user").here
    assert not Spark("spark1", "localhost", "", 2222).here
    assert not Spark("spark1", "10.88.0.11", "").here


def test_no_spark_vanishes_over_its_name() -> None:
    names = {"SPARK1_NAME": "spark3", "SPARK2_NAME": "spark3-2", "SPARK4_NAME": "spark2"}
    hosts = {f"SPARK{n}_HOST": f"10.88.0.1{n}" for n in range(1, 5)}
    sparks = merge({**hosts, **names}, {}).sparks
    assert [spark.name for spark in sparks] == ["spark3", "spark3-2", "spark3-3", "spark2"]


def test_a_host_with_a_port_is_reported_and_not_used() -> None:
    settings = merge({"SPARK1_HOST": "10.88.0.11"}, {"SPARK1_HOST": "10.88.0.11:22"})
    assert settings.sparks == (Spark("spark1", "10.88.0.11", ""),)
    assert [(p.name, p.source) for p in settings.problems] == [("SPARK1_HOST", Source.FILE)]
    assert merge({"SPARK1_HOST": "10.88.0.11:22"}, {}).sparks == ()


def test_a_malformed_auth_counts_as_token() -> None:
    settings = merge({"AUTH": "tokn"}, {})
    assert settings.value("AUTH") == Value("token", Source.ENVIRONMENT)
    assert settings.problems[0].reason.endswith("'token' is used instead.")


def test_one_spark_carries_everything_and_none_is_legal() -> None:
    alone = merge({"SPARK1_HOST": "10.88.0.11", "EMBED_HOST": "x"}, {})
    assert alone.text("QDRANT_HOST") == "10.88.0.11"
    assert alone.text("EMBED_HOST") == "x"
    assert merge({}, {}).sparks == ()


def test_typed_reading() -> None:
    settings = merge({"AUTO_RESTART": "no", "DISABLED_SERVICES": "kokoro qdrant"}, {})
    assert settings.flag("AUTO_RESTART") is False
    assert settings.names("DISABLED_SERVICES") == ("kokoro", "qdrant")
    assert settings.pairs("ALIASES") == {}
    with pytest.raises(SettingUnknown):
        settings.text("NOPE")


def test_the_version_follows_what_is_saved() -> None:
    assert merge({}, {"A": 1}).version == merge({"BIND": "x"}, {"A": 1}).version
    assert merge({}, {"A": 1}).version != merge({}, {"A": 2}).version


def test_the_first_copy_takes_good_live_values() -> None:
    copied = first_copy(
        {"VLLM_PORT": "8001", "BIND": "0.0.0.0", "MAX_BODY_MB": "x", "EMBED_PORT": " ",
         "SPARK1_HOST": "10.88.0.11", "PATH": "/bin"}
    )  # fmt: skip
    assert copied == {"VLLM_PORT": "8001"}


def test_a_change_is_all_or_nothing() -> None:
    saved: dict[str, object] = {"VLLM_PORT": "8001", "SOME_FUTURE_KEY": "kept"}
    wish = {"VLLM_PORT": None, "AUTO_RESTART": "NO", "HF_TOKEN": " ", "SPARK2_HOST": "10.88.0.12"}
    assert changed(saved, wish) == {
        "SOME_FUTURE_KEY": "kept", "AUTO_RESTART": "off", "HF_TOKEN": "",
        "SPARK2_HOST": "10.88.0.12",
    }  # fmt: skip
    assert saved["VLLM_PORT"] == "8001"


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        ({"NOPE": "1"}, SettingUnknown),
        ({"VLLM_PORT": "x"}, SettingInvalid),
        ({"BIND": "0.0.0.0"}, SettingInvalid),
    ],
)
def test_bad_changes(wish: dict[str, str | None], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        changed({}, wish)


def test_reading_one_value_names_the_setting() -> None:
    with pytest.raises(SettingInvalid, match=r"VLLM_PORT: 'x' is not a whole number"):
        read_value(TABLE["VLLM_PORT"], "x")
    assert Settings({}).value("VLLM_PORT").text == "8888"
