"""List the models on this machine as one line of JSON.

A program of its own for any Python from 3.8 on, sent over stdin behind `config_json.py`:
`python3 - '{"local": [...]}'`.
It reads names, sizes, small JSON files and the heads of weight files, and changes nothing. Where
one model cannot be read, that model says why and the others are listed all the same.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import sys
import time
from collections.abc import Callable
from functools import partial

from spark_control.models.remote.config_json import config_of, read, template_of, text, whole

VERSION = 1
MAX_FILES = 20000
MAX_DEPTH = 8
MAX_INDEX = 128 << 20
MAX_HEAD = 100 << 20
TAIL = 4096
NAMES_SHOWN = 5

REPO_DIR = re.compile(r"models--[A-Za-z0-9][A-Za-z0-9._-]*")
COMMIT = re.compile(r"[A-Za-z0-9]{1,64}")
SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})(\.safetensors|\.bin)")
OFFSETS = re.compile(rb'"data_offsets"\s*:\s*\[\s*\d+\s*,\s*(\d{1,18})\s*\]')
INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
# The same weights again in another format: they count as disk, not as the model.
COPIES = ("original/", "consolidated", "onnx/", "openvino/", "metal/")
TOKENIZERS = (
    "tokenizer.json", "tokenizer.model", "tekken.json", "vocab.json", "vocab.txt",
    "tiktoken.model", "spiece.model", "sentencepiece.bpe.model",
)  # fmt: skip
MARKERS = (
    "config.json", "params.json", "modules.json", "adapter_config.json", "model_index.json",
    "generation_config.json", "chat_template.jinja", "preprocessor_config.json",
    "tokenizer.json", "tekken.json",
)  # fmt: skip


class Files:
    """The files below one folder: name -> stat, or None where a link leads nowhere."""

    def __init__(self) -> None:
        self.by_name: dict[str, os.stat_result | None] = {}
        self.outside = 0

    def present(self, name: str) -> bool:
        """Tell whether the file is there and its link leads somewhere."""
        return self.by_name.get(name) is not None

    def size(self, name: str) -> int:
        """Return the bytes of a file, 0 where it is not there."""
        found = self.by_name.get(name)
        return found.st_size if found else 0


def cache_root() -> str:
    """Return the folder of the Hugging Face cache, found as the hub's own library finds it."""
    env = os.environ.get
    if env("HF_HUB_CACHE"):
        return os.path.expanduser(env("HF_HUB_CACHE", ""))
    shared = env("XDG_CACHE_HOME") or "~/.cache"
    home = env("HF_HOME") or os.path.join(shared, "huggingface")
    return os.path.join(os.path.expanduser(home), "hub")


def repo_of(folder: str) -> str:
    """`models--org--name` is `org/name`; only the first `--` parts the two."""
    return folder[len("models--") :].replace("--", "/", 1)


def walk(top: str, home: str) -> Files:
    """Collect the files below `top`; links that leave `home` are counted."""
    found = Files()
    todo = [(top, "", 0)]
    while todo:
        folder, prefix, depth = todo.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                name = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    if depth < MAX_DEPTH:
                        todo.append((entry.path, name + "/", depth + 1))
                    continue
                if len(found.by_name) >= MAX_FILES:
                    raise ValueError(f"the folder holds more than {MAX_FILES} files")
                if entry.is_symlink() and leaves(entry.path, home):
                    found.outside += 1
                status = stat_of(entry.path)
                if status is None or not stat.S_ISDIR(status.st_mode):
                    found.by_name[name] = status
    return found


def stat_of(path: str) -> os.stat_result | None:
    """Return the stat of what a path leads to; None for a link that leads nowhere."""
    try:
        return os.stat(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        raise


def leaves(link: str, home: str) -> bool:
    """Tell whether a link leads out of `home`, where a container would not find it."""
    target = os.path.join(os.path.dirname(link), os.readlink(link))
    return not os.path.normpath(target).startswith(home + os.sep)


def weight_names(names: list[str]) -> list[str]:
    """Return the files that hold the weights vLLM would load."""
    for part in ([n for n in names if not n.startswith(COPIES)], names):
        for start, ending in (("", ".safetensors"), ("pytorch_model", ".bin"), ("", ".gguf")):
            found = [n for n in part if n.endswith(ending) and n.startswith(start)]
            if found:
                return found
    return []


def missing_of(top: str, files: Files) -> tuple[list[str], str]:
    """Return the weight files that should be there and are not, and what is wrong beside."""
    for index in INDEXES:
        if files.present(index):
            return missing_by_index(os.path.join(top, index), files)
    return missing_by_number(files), ""


def missing_by_index(path: str, files: Files) -> tuple[list[str], str]:
    """Compare the index with the files."""
    try:
        index = json.loads(read(path, MAX_INDEX))
        names = sorted(name for name in set(index["weight_map"].values()) if text(name))
        total = whole((index.get("metadata") or {}).get("total_size")) or 0
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        names, total = [], 0
    if not names:
        return [], f"{os.path.basename(path)} cannot be read"
    missing = [name for name in names if not files.present(name)]
    short = not missing and sum(files.size(name) for name in names) < total
    return missing, "the weight files are smaller than their index says" if short else ""


def missing_by_number(files: Files) -> list[str]:
    """Without an index, `-00001-of-00004` still says how many there should be."""
    missing = []
    shards = [found for found in map(SHARD.fullmatch, list(files.by_name)) if found]
    for stem, total, ending in sorted({(s.group(1), s.group(3), s.group(4)) for s in shards}):
        for number in range(1, min(int(total), 10000) + 1):
            name = f"{stem}-{number:05d}-of-{total}{ending}"
            if not files.present(name):
                missing.append(name)
    return missing


def is_whole(path: str, size: int) -> bool:
    """Tell from its head whether a safetensors file has the length it says; reads no tensor."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(MAX_HEAD, size - 8) or file.read(1) != b"{":
            return False
        # Writers list tensors in the order of their places, so the last one mostly tells, and
        # the rest of a head that can hold megabytes need not be read.
        file.seek(8 + max(0, length - TAIL))
        if any(8 + length + end == size for end in ends_in(file.read(min(length, TAIL)))[-1:]):
            return True
        file.seek(8)
        return size == 8 + length + max(ends_in(file.read(length)) or [0])


def ends_in(head: bytes) -> list[int]:
    """Return where the tensors named in a piece of a head end."""
    return [int(end) for end in OFFSETS.findall(head)]


def look(top: str, files: Files) -> dict[str, object]:
    """Return what one folder with a model in it says of itself."""
    names = sorted(files.by_name)
    weights = weight_names(names)
    missing, trouble = missing_of(top, files)
    broken = [n for n in names if files.by_name[n] is None and n not in missing]
    there = [n for n in weights if n.endswith(".safetensors") and files.present(n)]
    cut = [n for n in there if not is_whole(os.path.join(top, n), files.size(n))]
    found: dict[str, object] = {
        "weights": sum(files.size(n) for n in weights),
        "weight_files": len(weights),
        "format": weights[0].rpartition(".")[2] if weights else None,
        "missing": missing[:NAMES_SHOWN], "missing_count": len(missing),
        "broken": broken[:NAMES_SHOWN], "broken_count": len(broken),
        "cut": cut[:NAMES_SHOWN], "cut_count": len(cut),
        "outside": files.outside,
        "tokenizer": any(files.present(n) for n in TOKENIZERS),
        "markers": [n for n in MARKERS if files.present(n)],
        "troubles": [trouble] if trouble else [],
        "template": template_of(top, files.by_name),
        "config": None,
    }  # fmt: skip
    if files.present("config.json"):
        try:
            found["config"] = config_of(os.path.join(top, "config.json"))
        except ValueError as error:
            found["troubles"] = ([trouble] if trouble else []) + [str(error)]
    return found


def partials(folder: str) -> dict[str, object]:
    """Return the downloads in `folder` that have not ended: how many, bytes, last change."""
    count, size, newest = 0, 0, 0.0
    if os.path.isdir(folder):
        with os.scandir(folder) as entries:
            for entry in entries:
                # A download that ends meanwhile takes its file away.
                status = stat_of(entry.path) if entry.name.endswith(".incomplete") else None
                if status:
                    count, size = count + 1, size + status.st_size
                    newest = max(newest, status.st_mtime)
    return {"count": count, "bytes": size, "newest": newest}


def snapshot_of(folder: str) -> tuple[str | None, str | None]:
    """Return commit and folder of the snapshot in use: `refs/main`, else the newest."""
    top = os.path.join(folder, "snapshots")
    commits = sorted(os.listdir(top)) if os.path.isdir(top) else []
    try:
        main = read(os.path.join(folder, "refs", "main"), 200).decode("ascii", "replace").strip()
    except OSError:
        main = ""
    if COMMIT.fullmatch(main) and main in commits:
        return main, os.path.join(top, main)
    if not commits:
        return None, None
    newest = max(commits, key=lambda name: os.stat(os.path.join(top, name)).st_mtime)
    return newest, os.path.join(top, newest)


def bytes_of(*trees: Files) -> int:
    """Return the bytes of all distinct files, however many names they have."""
    found = (status for tree in trees for status in tree.by_name.values() if status)
    return sum({(s.st_dev, s.st_ino): s.st_size for s in found}.values())


def cached(root: str, name: str) -> dict[str, object]:
    """Return one repository of the cache."""
    folder = os.path.join(root, name)
    home = os.path.realpath(os.path.dirname(root))
    real = os.path.realpath(folder)
    commit, snapshot = snapshot_of(real)
    # Links are judged by where the cache really is, since that is what gets mounted.
    files = walk(snapshot, home) if snapshot else Files()
    parts = [os.path.join(real, part) for part in ("blobs", "snapshots")]
    trees = [walk(part, home) for part in parts if os.path.isdir(part)]
    found: dict[str, object] = {"commit": commit, "size": bytes_of(files, *trees)}
    found["partials"] = partials(os.path.join(real, "blobs"))
    found.update(look(snapshot, files) if snapshot else {"empty": True})
    if not real.startswith(home + os.sep):
        found["outside"] = len(files.by_name) or 1
    return found


def local(path: str) -> dict[str, object]:
    """Return one folder that is a model itself, sized like `du`: every file once."""
    # The lab keeps a whole machine below one folder; on a Spark the variable is not set.
    prefix = os.environ.get("SPARK_ROOT", "")
    top = prefix + path if prefix and os.path.isdir(prefix + path) else path
    if not os.path.isdir(top):
        return {"there": False}
    files = walk(top, top)
    found: dict[str, object] = {"there": True, "commit": None, "size": bytes_of(files)}
    files.by_name = {n: s for n, s in files.by_name.items() if not n.startswith(".")}
    found["partials"] = partials(os.path.join(top, ".cache", "huggingface", "download"))
    found.update(look(top, files))
    return found


def attempt(entry: dict[str, object], work: Callable[[], dict[str, object]]) -> dict[str, object]:
    """Return `entry` with what `work` finds, or with the reason why it cannot be read."""
    try:
        entry.update(work())
    except (OSError, ValueError) as error:
        entry.update(there=True, error=why(error))
    return entry


def why(error: Exception) -> str:
    """Return a short reason without the path, which the reader knows."""
    return (getattr(error, "strerror", None) or str(error))[:200]


def report(local_paths: list[str]) -> dict[str, object]:
    """Return all models of this machine."""
    root, names, problems = os.path.abspath(cache_root()), [], []
    try:
        names = sorted(os.listdir(root)) if os.path.lexists(root) else []
    except OSError as error:
        problems.append(f"{root} cannot be read: {why(error)}")
    repos = [name for name in names if REPO_DIR.fullmatch(name) and len(name) <= 250]
    models = [attempt({"repo": repo_of(name)}, partial(cached, root, name)) for name in repos]
    models += [attempt({"path": path}, partial(local, path)) for path in local_paths]
    now = time.time()
    return {"v": VERSION, "root": root, "now": now, "models": models, "problems": problems}


def main() -> None:
    """Read the paths to look at beside the cache from the first argument."""
    wish = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    answer = report([str(path) for path in wish.get("local", [])])
    sys.stdout.write("\n@@INVENTORY@@" + json.dumps(answer, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
