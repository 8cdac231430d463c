"""The inventory program, run for real by `python3 -` over caches as Hugging Face lays them out."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from spark_control.fleet.errors import BadAnswer, CommandTimeout
from spark_control.models.adapters.hf_cache import HfCache
from spark_control.models.domain import Facts, Inventory, Kind, Layers, OnDisk
from tests.contract.models.cache_folder import CONFIG, Spark, safetensors


@pytest.fixture
def spark(tmp_path: Path) -> Spark:
    return Spark(tmp_path)


async def look(spark: Spark, *local: str) -> Inventory:
    return await HfCache().inventory(spark, local, timeout_s=30)


async def only(spark: Spark, *local: str) -> OnDisk:
    (copy,) = (await look(spark, *local)).copies
    return copy


async def test_a_whole_model_in_one_round_trip(spark: Spark) -> None:
    repo = spark.whole("Qwen/Qwen3-8B", 5_000_000_000)
    copy = await only(spark)
    assert len(spark.commands) == 1
    assert copy == OnDisk(
        source="Qwen/Qwen3-8B",
        size_bytes=sum(blob.stat().st_size for blob in (repo.folder / "blobs").iterdir()),
        weight_bytes=5_000_000_000 + len(safetensors(5_000_000_000)),
        commit="c0ffee00",
        facts=Facts("Qwen3ForCausalLM", "qwen3", None, 40960),
        kind=Kind.CHAT,
    )


async def test_no_cache_and_an_empty_one(spark: Spark) -> None:
    assert (await look(spark)).copies == ()
    spark.hub.mkdir(parents=True)
    (spark.hub / "version.txt").write_text("1")
    (spark.hub / "datasets--org--d").mkdir()
    read = await look(spark)
    assert (read.copies, read.problems, read.root) == ((), (), str(spark.hub))


@pytest.mark.parametrize(
    ("env", "place"),
    [
        ({}, ".cache/huggingface/hub"),
        ({"HF_HOME": "~/models"}, "models/hub"),
        ({"HF_HOME": "~/models", "HF_HUB_CACHE": "~/cache/hub"}, "cache/hub"),
        ({"XDG_CACHE_HOME": "~/.c"}, ".c/huggingface/hub"),
    ],
)
async def test_where_the_cache_is(spark: Spark, env: Mapping[str, str], place: str) -> None:
    spark.env.update(env)
    spark.whole("org/a")
    if spark.home / place != spark.hub:
        (spark.home / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(spark.hub, spark.home / place)
    read = await look(spark)
    assert read.root == str(spark.home / place)
    assert [(copy.source, copy.complete, copy.problems) for copy in read.copies] == [
        ("org/a", True, ())
    ]


@pytest.mark.parametrize("repo", ["gpt2", "org/a--b", "org/a---b", "0rg/x.y_z-1"])
async def test_names_of_repositories(spark: Spark, repo: str) -> None:
    spark.whole(repo)
    assert (await only(spark)).source == repo


async def test_a_broken_link(spark: Spark) -> None:
    repo = spark.whole("org/a")
    repo.file("merges.txt", b"x").unlink()
    copy = await only(spark)
    assert not copy.complete
    assert copy.problems == ("Links lead nowhere (1): merges.txt.",)


async def test_links_in_a_circle_are_broken_links(spark: Spark) -> None:
    repo = spark.whole("org/a")
    (repo.snapshot / "x").symlink_to("y")
    (repo.snapshot / "y").symlink_to("x")
    assert (await only(spark)).problems == ("Links lead nowhere (2): x, y.",)


def index_of(names: list[str], total: int) -> dict[str, object]:
    weight_map = {f"layer.{n}.weight": name for n, name in enumerate(names)}
    return {"metadata": {"total_size": total}, "weight_map": weight_map}


SHARDS = [f"model-{n:05d}-of-00007.safetensors" for n in range(1, 8)]


async def test_a_missing_shard_by_the_index(spark: Spark) -> None:
    repo = spark.repo("org/a")
    repo.file("model.safetensors.index.json", index_of(SHARDS, 70))
    for shard in SHARDS[:1]:
        repo.weights(shard, 10)
    copy = await only(spark)
    assert not copy.complete
    assert copy.problems == (f"Weight files are missing (6): {', '.join(SHARDS[1:6])}, ….",)
    for shard in SHARDS[1:]:
        repo.weights(shard, 10)
    assert (await only(spark)).complete


async def test_a_missing_shard_by_its_number(spark: Spark) -> None:
    repo = spark.repo("org/a")
    for shard in SHARDS[:6]:
        repo.weights(shard, 10)
    repo.weights(SHARDS[6], 10).unlink()
    assert (await only(spark)).problems == (f"Weight files are missing (1): {SHARDS[6]}.",)


async def test_shards_smaller_than_their_index(spark: Spark) -> None:
    repo = spark.repo("org/a")
    repo.file("model.safetensors.index.json", index_of(["model-1.safetensors"], 10**9))
    repo.weights("model-1.safetensors", 10)
    assert "smaller than their index" in (await only(spark)).problems[0]


@pytest.mark.parametrize(
    "content",
    [
        b'{"weight_map": {"a": "model.safetensors"', b"[]", b"{}", b'{"weight_map": {"a": []}}',
        b'{"weight_map": {}}', b'{"weight_map": {"a": 7}}', b"\xff",
        b'{"weight_map": {"a": "x"}, "metadata": 7}',
    ],
)  # fmt: skip
async def test_an_index_that_cannot_be_read(spark: Spark, content: bytes) -> None:
    repo = spark.whole("org/a")
    repo.file("model.safetensors.index.json", content)
    copy = await only(spark)
    assert copy.problems == ("Model.safetensors.index.json cannot be read.",)


async def test_a_head_that_names_its_tensors_in_any_order(spark: Spark) -> None:
    tensors = {f"t{n}": {"data_offsets": [10 * n, 10 * n + 10]} for n in (3, 0, 2, 1)}
    text = json.dumps({**tensors, "__metadata__": {"note": "x" * 9000}}).encode()
    head = len(text).to_bytes(8, "little") + text
    blob = spark.repo("org/a").file("model.safetensors", head, len(head) + 40)
    assert (await only(spark)).complete
    os.truncate(blob, len(head) + 39)
    assert not (await only(spark)).complete


@pytest.mark.parametrize("cut", [1, 500, 995])
async def test_a_file_that_is_cut_off(spark: Spark, cut: int) -> None:
    blob = spark.repo("org/a").weights("model.safetensors", 1000)
    os.truncate(blob, blob.stat().st_size - cut)
    copy = await only(spark)
    assert copy.problems == ("Weight files are cut off or damaged (1): model.safetensors.",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 4,
        b"\0" * 4096,
        b"\xff" * 4096,
        (9**9).to_bytes(8, "little") + b"{",
        b"<html>" * 9,
    ],
)
async def test_a_file_that_is_no_weights(spark: Spark, content: bytes) -> None:
    spark.repo("org/a").file("model.safetensors", content)
    assert "damaged" in (await only(spark)).problems[0]


async def test_tokenizer_config_and_weights_must_be_there(spark: Spark) -> None:
    spark.bare("org/a").main().file("README.md", b"x")
    copy = await only(spark)
    assert copy.problems == ("Not there yet: config.json, tokenizer, weights.",)


async def test_a_download_that_has_only_begun(spark: Spark) -> None:
    repo = spark.bare("org/a")
    partial = repo.blob(b"", 3_000_000_000)
    partial.rename(partial.with_name(f"{partial.name}.incomplete"))
    copy = await only(spark)
    assert (copy.complete, copy.size_bytes, copy.commit) == (False, 3_000_000_000, None)
    assert copy.problems == (
        "Nothing of it has been downloaded yet.",
        "A download is under way (3.0 GB in 1 file so far).",
    )


async def test_a_partial_file_from_long_ago(spark: Spark) -> None:
    repo = spark.whole("org/a")
    partial = repo.blob(b"", 1_000_000_000)
    old = partial.rename(partial.with_name(f"{partial.name}.incomplete"))
    os.utime(old, (1_600_000_000, 1_600_000_000))
    copy = await only(spark)
    assert copy.complete
    assert copy.problems == ("An older download left parts behind (1.0 GB in 1 file).",)


async def test_main_is_looked_at_and_other_snapshots_only_counted(spark: Spark) -> None:
    repo = spark.whole("org/a", 1000)
    before = (await only(spark)).size_bytes
    old = type(repo)(repo.folder, "0ld0ld", blobs=50)
    old.weights("model.safetensors", 1000)
    (old.snapshot / "notes.txt").write_text("a real file")
    copy = await only(spark)
    assert (copy.commit, copy.complete) == ("c0ffee00", True)
    assert copy.size_bytes == before + len(safetensors(1000)) + 1000 + len("a real file")


async def test_without_a_usable_ref_the_newest_snapshot_counts(spark: Spark) -> None:
    repo = spark.whole("org/a")
    (repo.folder / "refs" / "main").write_text("../../../../etc")
    (repo.folder / "snapshots" / "0ld").mkdir()
    os.utime(repo.folder / "snapshots" / "0ld", (1, 1))
    assert (await only(spark)).commit == "c0ffee00"


async def test_a_cache_of_real_files(spark: Spark) -> None:
    repo = spark.whole("org/a", 1000)
    for link in repo.snapshot.iterdir():
        target = link.resolve()
        link.unlink()
        target.rename(link)
    copy = await only(spark)
    assert copy.complete
    assert copy.size_bytes > copy.weight_bytes == 1000 + len(safetensors(1000))


async def test_one_blob_under_two_names_counts_once(spark: Spark) -> None:
    repo = spark.whole("org/a", 1000)
    before = (await only(spark)).size_bytes
    (repo.snapshot / "again.safetensors").symlink_to(
        (repo.snapshot / "model.safetensors").readlink()
    )
    assert (await only(spark)).size_bytes == before


async def test_the_same_weights_in_another_format_are_not_the_model(spark: Spark) -> None:
    repo = spark.whole("org/a", 1000)
    repo.weights("original/model.safetensors", 9000)
    repo.weights("consolidated.safetensors", 9000)
    repo.file("pytorch_model.bin", b"", 9000)
    copy = await only(spark)
    assert copy.weight_bytes == 1000 + len(safetensors(1000))
    assert copy.size_bytes > 27000


async def test_older_and_other_formats(spark: Spark) -> None:
    spark.repo("org/bin").file("pytorch_model.bin", b"x" * 70)
    spark.bare("org/gguf").main().file("model-q4.gguf", b"GGUF", 500)
    mistral = spark.bare("org/mistral").main()
    mistral.file("params.json", b"{}")
    mistral.file("tekken.json", b"{}")
    mistral.weights("consolidated.safetensors", 10)
    copies = {copy.source: copy for copy in (await look(spark)).copies}
    assert all(copy.complete for copy in copies.values()), copies
    assert copies["org/bin"].weight_bytes == 70
    assert copies["org/mistral"].kind is Kind.CHAT


async def test_an_absolute_link_out_of_the_cache(spark: Spark) -> None:
    repo = spark.repo("org/a")
    elsewhere = spark.home / "disk2" / "model.safetensors"
    elsewhere.parent.mkdir()
    repo.weights("model.safetensors", 1000).rename(elsewhere)
    (repo.snapshot / "model.safetensors").unlink()
    (repo.snapshot / "model.safetensors").symlink_to(elsewhere)
    copy = await only(spark)
    assert copy.complete
    assert copy.problems == (
        "Some files are links out of the folder; the container will not find them.",
    )
    assert copy.size_bytes > copy.weight_bytes > 1000


async def test_an_absolute_link_within_the_cache_is_fine(spark: Spark) -> None:
    repo = spark.whole("org/a")
    link = repo.snapshot / "model.safetensors"
    target = link.resolve()
    link.unlink()
    link.symlink_to(target)
    assert (await only(spark)).problems == ()


async def test_a_repository_moved_to_another_disk(spark: Spark) -> None:
    repo = spark.whole("org/a")
    moved = spark.home / "disk2" / "a"
    moved.parent.mkdir()
    repo.folder.rename(moved)
    repo.folder.symlink_to(moved)
    copy = await only(spark)
    assert copy.complete
    assert "container" in copy.problems[0]


async def test_a_home_that_is_a_link_itself_is_fine(spark: Spark, tmp_path: Path) -> None:
    spark.whole("org/a")
    other = Spark(tmp_path / "link")
    other.home.symlink_to(spark.home)
    assert (await only(other)).problems == ()


@pytest.mark.parametrize("content", [b"{", b"[]", b"7", b"", b"\xff\xfe", b"[" * 100_000])
async def test_a_bad_config_spoils_only_its_own_model(spark: Spark, content: bytes) -> None:
    spark.whole("org/good")
    bad = spark.bare("org/bad").main()
    bad.file("config.json", content)
    bad.file("tokenizer.json", b"{}")
    bad.weights("model.safetensors", 10)
    copies = {copy.source: copy for copy in (await look(spark)).copies}
    assert copies["org/good"].complete
    assert not copies["org/bad"].complete
    assert copies["org/bad"].problems[0].startswith("Config.json ")


async def test_a_config_that_is_too_large(spark: Spark) -> None:
    repo = spark.whole("org/a")
    (repo.snapshot / "config.json").unlink()
    repo.file("config.json", b"{}", 5 << 20)
    assert "too large" in (await only(spark)).problems[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_folder_without_rights_as_a_user(spark: Spark) -> None:
    spark.whole("org/good")
    bad = spark.whole("org/bad")
    bad.snapshot.chmod(0)
    copies = {copy.source: copy for copy in (await look(spark)).copies}
    bad.snapshot.chmod(0o700)
    assert copies["org/good"].complete
    assert copies["org/bad"].problems == ("It cannot be read: Permission denied.",)


async def test_a_folder_that_cannot_be_read_spoils_only_its_own_model(spark: Spark) -> None:
    spark.whole("org/good")
    bad = spark.bare("org/bad")
    (bad.folder / "snapshots").mkdir()
    (bad.folder / "refs").mkdir()
    (bad.folder / "refs" / "main").write_text("c1")
    (bad.folder / "snapshots" / "c1").write_text("a file where a folder should be")
    copies = {copy.source: copy for copy in (await look(spark)).copies}
    assert copies["org/good"].complete
    assert copies["org/bad"].problems == ("It cannot be read: Not a directory.",)


async def test_a_cache_that_is_a_file_is_a_problem(spark: Spark) -> None:
    spark.hub.parent.mkdir(parents=True)
    spark.hub.write_text("oops")
    read = await look(spark)
    assert read.problems == (f"{spark.hub} cannot be read: Not a directory",)


@pytest.mark.parametrize(
    ("config", "facts"),
    [
        (
            {
                "architectures": ["Gemma4ForConditionalGeneration"], "model_type": "gemma4",
                "vision_config": {}, "text_config": {"max_position_embeddings": 262144},
            },
            Facts("Gemma4ForConditionalGeneration", "gemma4", None, 262144, multimodal=True,
                  vision=True),
        ),
        (
            {
                "architectures": ["X"], "audio_config": {},
                "thinker_config": {"text_config": {"max_position_embeddings": 7}},
            },
            Facts("X", None, None, 7, multimodal=True),
        ),
        (
            {
                "architectures": ["X"], "quantization_config": {"quant_method": "fp8"},
                "layer_types": ["full_attention", "linear_attention"], "auto_map": {"A": "b"},
            },
            Facts("X", None, "fp8", hybrid=True, remote_code=True),
        ),
        (
            {"text_config": {"mamba_d_conv": 4, "quantization_config": {"quant_method": "awq"}}},
            Facts(quantization="awq", hybrid=True),
        ),
        ({"hybrid_override_pattern": "M-M*", "max_position_embeddings": True}, Facts(hybrid=True)),
        (
            {"architectures": "X", "model_type": 7, "quantization_config": [], "text_config": 1},
            Facts(),
        ),
    ],
)  # fmt: skip
async def test_what_the_config_says(
    spark: Spark, config: Mapping[str, object], facts: Facts
) -> None:
    spark.repo("org/a", config).weights("model.safetensors", 10)
    assert (await only(spark)).facts == facts


async def test_marks_of_other_kinds(spark: Spark) -> None:
    spark.whole("org/e").file("modules.json", b"[]")
    adapter = spark.bare("org/l").main()
    adapter.file("adapter_config.json", b"{}")
    adapter.weights("adapter_model.safetensors", 10)
    image = spark.bare("org/i").main()
    image.file("model_index.json", b"{}")
    image.weights("unet/diffusion_pytorch_model.safetensors", 10)
    copies = {copy.source: (copy.kind, copy.complete) for copy in (await look(spark)).copies}
    assert copies == {
        "org/e": (Kind.EMBEDDING, True),
        "org/l": (Kind.ADAPTER, True),
        "org/i": (Kind.DIFFUSION, True),
    }


def local_model(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(safetensors(10) + b"x" * 10)
    return folder


async def test_local_folders(spark: Spark) -> None:
    folder = local_model(spark.home / "models" / "my-finetune")
    os.link(folder / "model.safetensors", folder / "same-file")
    copy = await only(spark, str(folder), str(spark.home / "models" / "gone"))
    assert (copy.source, copy.local, copy.complete) == (str(folder), True, True)
    names = ("config.json", "tokenizer.json", "model.safetensors")
    assert copy.size_bytes == sum((folder / name).stat().st_size for name in names)


async def test_a_local_folder_below_the_root_of_the_lab(spark: Spark) -> None:
    local_model(spark.home / "root" / "srv" / "models" / "x")
    spark.env["SPARK_ROOT"] = str(spark.home / "root")
    copy = await only(spark, "/srv/models/x")
    assert (copy.source, copy.complete) == ("/srv/models/x", True)


async def test_a_local_folder_with_partials_and_links_out(spark: Spark) -> None:
    folder = local_model(spark.home / "m")
    partial = folder / ".cache" / "huggingface" / "download" / "x.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"12")
    (folder / "extra").symlink_to("/etc")
    copy = await only(spark, str(folder))
    assert copy.complete
    assert "container" in copy.problems[0]
    assert "under way" in copy.problems[1]


async def test_a_local_folder_that_is_far_too_full(spark: Spark) -> None:
    folder = local_model(spark.home / "m")
    for n in range(20001):
        (folder / f"{n}").touch()
    copy = await only(spark, str(folder))
    assert "more than 20000 files" in copy.problems[0]


async def test_hostile_names_are_only_names(spark: Spark) -> None:
    spark.whole("org/a")
    for name in ("models--$(id)", "models--a b", "models--x\ny", "models--", "models---x"):
        (spark.hub / name).mkdir()
    path = "/m/'; touch pwned #"
    assert [copy.source for copy in (await look(spark, path)).copies] == ["org/a"]
    assert not (spark.home / "pwned").exists()


async def test_odd_names_in_a_snapshot_do_no_harm(spark: Spark) -> None:
    repo = spark.whole("org/a")
    (repo.snapshot / "<script>.json").symlink_to("nowhere")
    (repo.snapshot / os.fsdecode(b"\xff\xfe")).symlink_to("nowhere")
    copy = await only(spark)
    assert "Links lead nowhere (2)" in copy.problems[0]


async def test_a_spark_without_python(spark: Spark) -> None:
    spark.env["PATH"] = str(spark.home)
    with pytest.raises(BadAnswer) as caught:
        await look(spark)
    assert "spark1" in caught.value.message


async def test_a_python_that_prints_something_else(spark: Spark) -> None:
    fake = spark.home / "bin" / "python3"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\ncat >/dev/null; echo hello\n")
    fake.chmod(0o755)
    spark.env["PATH"] = f"{fake.parent}:/usr/bin:/bin"
    with pytest.raises(BadAnswer, match="cannot be read"):
        await look(spark)


async def test_a_spark_that_hangs(spark: Spark) -> None:
    fake = spark.home / "bin" / "python3"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexec sleep 30\n")
    fake.chmod(0o755)
    spark.env["PATH"] = f"{fake.parent}:/usr/bin:/bin"
    with pytest.raises(CommandTimeout):
        await HfCache().inventory(spark, [], timeout_s=0.2)


DECODER = {
    "architectures": ["X"], "num_hidden_layers": 6, "num_attention_heads": 8,
    "num_key_value_heads": 2, "head_dim": 64,
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "layers"),
    [
        ({}, Layers(full=6, heads=8, kv_heads=2, head_dim=64)),
        (
            {"layer_types": ["full_attention"] * 2 + ["sliding_attention"] * 4,
             "sliding_window": 128},
            Layers(full=2, windowed=4, heads=8, kv_heads=2, head_dim=64, window=128),
        ),
        (
            {"layer_types": ["full_attention"] * 6, "num_kv_shared_layers": 2},
            Layers(full=4, heads=8, kv_heads=2, head_dim=64),
        ),
        (
            {"hybrid_override_pattern": "M-*M-*"},
            Layers(full=2, stateful=2, heads=8, kv_heads=2, head_dim=64),
        ),
        (
            {"kv_lora_rank": 512, "qk_rope_head_dim": 64},
            Layers(full=6, heads=8, kv_heads=2, head_dim=64, latent=512, rope=64),
        ),
        ({"num_key_value_heads": [1, 2, 3, 4, 5, 6]}, None),
        ({"block_configs": [{}]}, None),
        ({"layer_types": [{}, 7]}, None),
    ],
)  # fmt: skip
async def test_how_the_layers_keep_what_they_read(
    spark: Spark, more: Mapping[str, object], layers: Layers | None
) -> None:
    spark.repo("org/a", {**DECODER, **more}).weights("model.safetensors", 10)
    assert (await only(spark)).facts.layers == layers


async def test_the_language_part_of_a_larger_model(spark: Spark) -> None:
    nested = {"architectures": ["X"], "text_config": DECODER, "vision_config": {"hidden_size": 1}}
    spark.repo("org/a", nested).weights("model.safetensors", 10)
    found = (await only(spark)).facts.layers
    assert found == Layers(full=6, heads=8, kv_heads=2, head_dim=64)


@pytest.mark.parametrize(
    "scheme", [{"kv_cache_scheme": {"num_bits": 8}}, {"kv_cache_quant_algo": "FP8"}]
)
async def test_a_cache_that_comes_in_fp8(spark: Spark, scheme: Mapping[str, object]) -> None:
    config = {"quantization_config": {"quant_method": "modelopt", **scheme}}
    spark.repo("org/a", config).weights("model.safetensors", 10)
    assert (await only(spark)).facts.kv_fp8


@pytest.mark.parametrize(
    ("files", "signs"),
    [
        ({}, None),
        ({"chat_template.jinja": b"{{ tools }}<tool_call>"}, ("<tool_call>", "tools")),
        ({"tokenizer_config.json": {"chat_template": "[TOOL_CALLS]"}}, ("[TOOL_CALLS]",)),
        ({"tokenizer_config.json": {"added": "<tool_call>", "chat_template": "x"}}, ()),
        ({"tokenizer_config.json": {"chat_template": 7}}, None),
        ({"tokenizer_config.json": b"{"}, None),
        ({"tokenizer_config.json": b"[]"}, None),
        (
            {"tokenizer_config.json": {"chat_template": [{"name": "tool_use", "template": "tools"},
                                                         {"template": "<think>"}, 7]}},
            ("<think>", "tools"),
        ),
        ({"chat_template.json": {"chat_template": "<function="},
          "tokenizer_config.json": {"chat_template": "tools"}}, ("<function=",)),
    ],
)  # fmt: skip
async def test_signs_in_the_chat_template(
    spark: Spark,
    files: Mapping[str, bytes | Mapping[str, object]],
    signs: tuple[str, ...] | None,
) -> None:
    repo = spark.whole("org/a")
    for name, content in files.items():
        repo.file(name, content)
    assert (await only(spark)).facts.template == signs


async def test_only_mistrals_tokenizer(spark: Spark) -> None:
    repo = spark.bare("org/a").main()
    repo.file("config.json", CONFIG)
    repo.file("tekken.json", b"{}")
    repo.weights("model.safetensors", 10)
    assert (await only(spark)).facts.tekken
