"""Holds one small model in llama.cpp; says its port on standard output, ends with its parent.

A process of its own, because loading holds Python's lock and health must answer meanwhile.
"""

import json
import os
import sys

from spark_control.lab.standins.box import say

# The base Gemma has no chat template; plain text lets it do what it can: continue.
_PLAIN = "{% for m in messages %}{{ m['content'] }}{% if not loop.last %}\n{% endif %}{% endfor %}"
_SLOTS = 4
_CONTEXT = 2048
_LONGEST_ANSWER = 512


def main(_name: str, _words: list[str]) -> int:
    """Load the model described by the JSON line on standard input, and serve until it closes."""
    asked = json.loads(sys.stdin.readline())
    sys.path += asked["sys_path"]
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = asked["gguf"]
    params.model_alias = {asked["alias"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = _SLOTS
    params.n_ctx = _SLOTS * _CONTEXT
    params.n_predict = _LONGEST_ANSWER
    params.cpuparams.n_threads = 2
    params.cpuparams_batch.n_threads = 2
    params.ui = False
    if asked.get("plain"):
        params.use_jinja = True
        params.chat_template = _PLAIN
    server = xllamacpp.Server(params)
    say(json.dumps({"port": int(server.listening_address.rpartition(":")[2])}) + "\n")
    sys.stdin.read()
    os._exit(0)
