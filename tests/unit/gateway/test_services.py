"""Which services there are, and which one is asked."""

import msgspec

from spark_control.gateway import services
from spark_control.gateway.errors import ModelNotFound, NothingLoaded, ServiceMissing
from spark_control.gateway.outside import Server
from spark_control.gateway.route import Routes, Scene, Target
from spark_control.gateway.services import Role, Seen, Service
from spark_control.settings.domain import Settings, merge

SPARKS = {"SPARK1_HOST": "10.88.0.11", "SPARK2_HOST": "10.88.0.12"}
EMBED = Service(
    name="embed", title="The embedding service", role=Role.EMBED, base_url="http://e:8001",
    models=("bge",),
)  # fmt: skip
ENGINE = Target(name="spark1", base_url="http://10.88.0.11:8888", served=("qwen", "Q/qwen"))
PATH = "/v1/embeddings"


def settings(**more: str) -> Settings:
    return merge({**SPARKS, **more}, {})


def names(found: tuple[Service, ...]) -> list[str]:
    return [one.name for one in found]


def test_they_are_on_the_second_spark() -> None:
    found = services.configured(settings(), ())
    assert [(one.name, one.base_url) for one in found] == [
        ("parakeet", "http://10.88.0.12:8000"), ("magpie", "http://10.88.0.12:9000"),
        ("kokoro", "http://10.88.0.12:8880"), ("embed", "http://10.88.0.12:8001"),
    ]  # fmt: skip


def test_what_is_not_configured_or_disabled_is_not_asked() -> None:
    assert services.configured(merge({}, {}), ()) == ()
    now = settings(DISABLED_SERVICES="embed,magpie", KOKORO_HOST="fd00::2")
    found = services.configured(now, ())
    assert names(found) == ["parakeet", "kokoro"]
    assert found[1].base_url == "http://[fd00::2]:8880"
    assert [row.disabled for row in services.rows(now)] == [False, True, False, True]


def test_speech_backends_say_the_order() -> None:
    far = Server(name="far", base_url="https://example.org/v1/", api_key="k", models=("w",))
    near = Server(name="near", base_url="https://near.example.org")
    marked = Server(name="marked", base_url="https://m.example.org", redact=True)
    now = settings(SPEECH_BACKENDS="far,kokoro,marked,nobody")
    found = services.configured(now, (far, near, marked))
    assert names(found) == ["far", "far", "kokoro", "parakeet", "magpie", "embed"]
    assert [one.role for one in found[:2]] == [Role.TRANSCRIBE, Role.SPEAK]
    assert (found[0].base_url, found[0].models) == ("https://example.org/v1", ("w",))
    assert "k'" not in repr(found[0])
    assert services.target(found[0]).token == "k"


def test_looks_are_laid_over_them() -> None:
    plain = services.configured(settings(), ())
    seen = {
        plain[0].base_url: Seen(up=False),
        plain[1].base_url: Seen(up=True, voices=(voice := "M.EN-US.Mia",)),
        plain[3].base_url: Seen(up=True, models=("bge",), voices=("no voice",)),
    }  # fmt: skip
    parakeet, magpie, kokoro, embed = services.with_looks(plain, seen)
    assert not parakeet.up
    assert (magpie.voices, kokoro, embed.models, embed.voices) == (
        (voice,), plain[2], ("bge",), (),
    )  # fmt: skip
    assert services.voice_rows((parakeet, magpie, embed)) == [
        {"id": voice, "name": voice, "service": "magpie"}
    ]
    far = msgspec.structs.replace(embed, name="far", models=("listed elsewhere",))
    rows = services.model_rows((parakeet, magpie, embed, far))
    assert [(row["id"], row["capability"]) for row in rows] == [(voice, "speak"), ("bge", "embed")]


def test_those_that_answer_come_first() -> None:
    one = Service(name="a", title="a", role=Role.SPEAK, base_url="http://a", up=False)
    two = Service(name="b", title="b", role=Role.SPEAK, base_url="http://b")
    assert services.of_role((one, EMBED, two), Role.SPEAK) == [two, one]


def test_a_service_as_a_target() -> None:
    found = services.target(EMBED)
    assert (found.key, found.service, found.outside) == ("bge", "The embedding service", True)
    bare = msgspec.structs.replace(EMBED, models=())
    assert services.target(bare).key == "embed"


def chosen(name: str | None, path: str = PATH, **scene: object) -> tuple[str, str | None] | None:
    routes = Routes(Scene((ENGINE,), **scene))  # type: ignore[arg-type]  # fields of our own
    found = services.choose(path, name, routes, (EMBED,))
    return None if found is None else (found.targets[0].name, found.rename)


def test_embeddings_go_to_who_has_the_model_else_to_the_service() -> None:
    assert chosen("qwen") == ("spark1", None)
    assert chosen("bge") == ("embed", None)
    assert chosen(None) == chosen("default") == chosen("text-embedding-3-small") == ("embed", None)
    assert chosen("mine", aliases={"mine": "bge"}) == ("embed", "bge")
    assert chosen("big", menu={"big": "big"}) is None


def test_chat_never_goes_there() -> None:
    assert chosen("bge", "/v1/chat/completions") is None
    assert chosen(None, "/v1/chat/completions") == ("spark1", "qwen")


def test_without_a_service_an_engine_is_asked_by_name_only() -> None:
    """One that chats is no answer to who names none."""
    routes = Routes(Scene((ENGINE,)))
    found = services.choose(PATH, "qwen", routes, ())
    assert found is not None
    assert found.targets == (ENGINE,)
    for name in (None, "default"):
        assert services.choose(PATH, name, routes, ()) is None
        assert isinstance(services.refuse(PATH, name, routes.scene), ServiceMissing)
    assert isinstance(services.refuse(PATH, "x", routes.scene), ModelNotFound)
    assert isinstance(services.refuse("/v1/completions", None, routes.scene), NothingLoaded)
