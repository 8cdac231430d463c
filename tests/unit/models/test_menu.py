"""One line per model, from disks and recipes."""

from hypothesis import given
from hypothesis import strategies as st

from spark_control.models.domain import (
    Catalogue,
    Facts,
    Inventory,
    Kind,
    Knobs,
    Mode,
    Model,
    OnDisk,
    Origin,
    Problem,
    Recipe,
    is_key,
)
from spark_control.models.menu import build_menu, inferred_keys

HYBRID = Facts(architecture="X", hybrid=True)


def disk(spark: str, *copies: OnDisk) -> Inventory:
    return Inventory(spark, "/h", copies)


def copy(
    source: str,
    *,
    size: int = 1,
    problem: str = "",
    commit: str = "c1",
    facts: Facts | None = None,
) -> OnDisk:
    return OnDisk(
        source,
        local=source.startswith("/"),
        size_bytes=size,
        complete=not problem,
        problems=(problem,) if problem else (),
        commit=commit,
        facts=facts or Facts(),
        kind=Kind.CHAT,
    )


def only(inventories: list[Inventory], *recipes: Recipe) -> Model:
    (model,) = build_menu(inventories, Catalogue(recipes)).models
    return model


A = Recipe(key="a", name="Model A", repo="org/a", origin=Origin.BUNDLED)


def test_copies_on_two_sparks_are_one_line() -> None:
    model = only([disk("spark1", copy("org/a", size=5)), disk("spark2", copy("org/a", size=7))], A)
    assert (model.key, model.name, model.repo, model.origin) == (
        "a", "Model A", "org/a", Origin.BUNDLED,
    )  # fmt: skip
    assert (model.hosts, model.complete_on) == (("spark1", "spark2"), ("spark1", "spark2"))
    assert (model.size_bytes, model.size_by_host) == (7, (("spark1", 5), ("spark2", 7)))
    assert (model.needs_setup, model.problems, model.recipe) == (False, (), A)


def test_a_copy_that_is_not_whole_is_named_with_its_spark() -> None:
    good, bad = copy("org/a", facts=HYBRID), copy("org/a", problem="Weights are missing.")
    recipe = Recipe(key="a", name="A", repo="org/a", vllm_args=("--max_num_batched_tokens=1",))
    model = only([disk("spark1", bad), disk("spark2", good)], recipe)
    assert (model.hosts, model.complete_on) == (("spark1", "spark2"), ("spark2",))
    assert model.problems == ("spark1: Weights are missing.",)
    assert model.facts == HYBRID


def test_a_model_without_recipe_needs_setup() -> None:
    model = only([disk("spark1", copy("Qwen/Qwen2.5-7B_Instruct"))])
    assert (model.key, model.name) == ("qwen-qwen2.5-7b_instruct", "Qwen/Qwen2.5-7B_Instruct")
    assert (model.needs_setup, model.origin, model.recipe) == (True, Origin.INFERRED, None)
    assert (model.repo, model.local_path) == ("Qwen/Qwen2.5-7B_Instruct", None)


def test_a_folder_whose_recipe_went_away_keeps_its_place() -> None:
    model = only([disk("spark1", copy("/m/x"))])
    assert (model.key, model.repo, model.local_path) == ("m-x", None, "/m/x")


def test_repos_are_matched_with_their_case() -> None:
    menu = build_menu([disk("spark1", copy("Org/A"))], Catalogue((A,)))
    assert [model.needs_setup for model in menu.models] == [True]
    assert menu.recipes_not_on_disk == (A,)


def test_two_recipes_of_one_repo_are_two_lines() -> None:
    other = Recipe(key="a-long", name="Model A, long", repo="org/a")
    menu = build_menu([disk("spark1", copy("org/a"))], Catalogue((A, other)))
    assert [model.key for model in menu.models] == ["a", "a-long"]


def test_knobs_and_problems_come_along() -> None:
    knobs = {"a": Knobs(max_model_len=5)}
    said = Problem("o.yaml", "x", "bad")
    menu = build_menu(
        [Inventory("spark1", "/h", (copy("org/a"),), ("/h is odd",))],
        Catalogue((A,), knobs, (said,)),
    )
    assert menu.models[0].knobs == knobs["a"]
    assert menu.knobs == knobs
    assert menu.problems == (said, Problem("spark1", None, "/h is odd"))


def test_a_local_recipe() -> None:
    recipe = Recipe(key="l", name="L", local_path="/m/l")
    model = only([disk("spark2", copy("/m/l"))], recipe)
    assert (model.local_path, model.repo, model.hosts) == ("/m/l", None, ("spark2",))


def test_a_hybrid_or_multimodal_model_needs_the_large_batch() -> None:
    for facts in (HYBRID, Facts(multimodal=True)):
        model = only([disk("spark1", copy("org/a", facts=facts))], A)
        assert "16384" in model.problems[0]
    good = Recipe(key="a", name="A", repo="org/a", vllm_args=("--max-num-batched-tokens", "16384"))
    assert only([disk("spark1", copy("org/a", facts=HYBRID))], good).problems == ()


def test_a_cluster_recipe_needs_the_same_whole_copy_on_two_sparks() -> None:
    recipe = Recipe(key="c", name="C", repo="org/c", mode=Mode.CLUSTER)
    whole, cut = copy("org/c"), copy("org/c", problem="cut")
    assert only([disk("spark1", whole), disk("spark2", whole)], recipe).problems == ()
    one = only([disk("spark1", whole), disk("spark2", cut)], recipe)
    assert one.problems[-1].endswith("only spark1 holds one.")
    none = only([disk("spark1", cut)], recipe)
    assert none.problems[-1].endswith("no Spark holds one.")
    differs = only([disk("spark1", whole), disk("spark2", copy("org/c", commit="c2"))], recipe)
    assert differs.problems == ("spark1 and spark2 hold different revisions of it.",)


def test_what_can_be_switched_to_comes_first_then_by_name() -> None:
    embedding = OnDisk("org/0-embed", kind=Kind.EMBEDDING)
    recipes = (
        Recipe(key="z", name="zeta", repo="org/z"),
        Recipe(key="b", name="Beta", repo="org/b"),
    )
    copies = [embedding, copy("org/1-bare"), copy("org/z"), copy("org/b")]
    menu = build_menu([disk("spark1", *copies)], Catalogue(recipes))
    assert [m.key for m in menu.models] == ["b", "z", "org-1-bare", "org-0-embed"]


def test_nothing_gives_an_empty_menu() -> None:
    menu = build_menu([], Catalogue())
    assert (menu.models, menu.recipes_not_on_disk, menu.problems) == ((), (), ())


def test_inferred_keys_do_not_change_when_another_model_comes() -> None:
    alone = inferred_keys(["b/x"], taken=())
    both = inferred_keys(["a/x", "b/x"], taken=())
    assert both == {"a/x": "a-x", "b/x": "b-x"}
    assert alone["b/x"] == both["b/x"]


def test_inferred_keys_keep_clear_of_taken_reserved_and_long_ones() -> None:
    long = f"org/{'n' * 90}"
    keys = inferred_keys(["a-b", "a/b", "lock", "suggest", "taken", "/", long], taken={"taken"})
    assert keys["a-b"] == "a-b"
    assert keys["a/b"].startswith("a-b-")
    assert keys["lock"].startswith("lock-")
    assert keys["/"].startswith("model-")
    assert len(keys[long]) == 64
    assert len(set(keys.values()) | {"taken"}) == 8
    assert all(is_key(key) for key in keys.values())


REPOS = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,9}(/[A-Za-z0-9][A-Za-z0-9._-]{0,90})?\Z")


@given(st.sets(REPOS, max_size=8))
def test_every_repo_gets_a_key_of_its_own(repos: set[str]) -> None:
    keys = inferred_keys(sorted(repos), taken={"a", "b"})
    assert len(set(keys.values())) == len(repos)
    assert all(is_key(key) for key in keys.values())
    assert not {"a", "b"} & set(keys.values())
