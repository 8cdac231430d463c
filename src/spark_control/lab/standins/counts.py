"""What the scripted engine answers where no text is made: tokens, and scores that mean nothing."""

from collections.abc import Mapping
from typing import NamedTuple

from spark_control.lab.standins.script import CHAT, MESSAGES, BadRequest, asked_in

COUNT_TOKENS = f"{MESSAGES}/count_tokens"
TOKENIZE, DETOKENIZE = "/tokenize", "/detokenize"
RERANK, SCORE = frozenset({"/v1/rerank", "/rerank"}), frozenset({"/v1/score", "/score"})
COUNTING = RERANK | SCORE | {COUNT_TOKENS, TOKENIZE, DETOKENIZE}
NOTE = "Scripted by the Spark Control lab; no model has scored this."


class Asker(NamedTuple):
    """The model that is asked, and what an answer to this request is called."""

    model: str
    ident: str
    created: int


def answer(path: str, body: Mapping[str, object], asker: Asker, longest: int) -> dict[str, object]:
    """Answer a request to one of COUNTING. Raises BadRequest."""
    if path == COUNT_TOKENS:
        return {"input_tokens": max(len(asked_in(body, MESSAGES).split()), 1)}
    if path == TOKENIZE:
        return tokenized([ord(letter) for letter in said(body)], longest)
    if path == DETOKENIZE:
        return {"prompt": _letters(body.get("tokens"))}
    return scored(body, asker) if path in SCORE else reranked(body, asker)


def said(body: Mapping[str, object]) -> str:
    """Return the text to be tokenized. Raises BadRequest."""
    if "messages" in body:
        return asked_in(body, CHAT)
    prompt = body.get("prompt")
    if not isinstance(prompt, str):
        raise BadRequest("prompt: Field required")
    return prompt


def tokenized(tokens: list[int], longest: int) -> dict[str, object]:
    """Return the answer of `/tokenize`. In the script a letter is a token."""
    return {
        "count": len(tokens), "max_model_len": longest, "tokens": tokens, "token_strs": None
    }  # fmt: skip


def _letters(tokens: object) -> str:
    if not isinstance(tokens, list) or not all(isinstance(token, int) for token in tokens):
        raise BadRequest("tokens: must be a list of integers")
    try:
        text = "".join(chr(token) for token in tokens)
        text.encode()
    except (ValueError, OverflowError):
        raise BadRequest("tokens: one of them is not a token of this model") from None
    return text


def scored(body: Mapping[str, object], asker: Asker) -> dict[str, object]:
    """Return the answer of `/v1/score`. Raises BadRequest."""
    first, second = (_texts(body, name) for name in ("text_1", "text_2"))
    if len(first) not in {1, len(second)}:
        raise BadRequest("text_1 must be one text, or as many as text_2.")
    pairs = zip(first * len(second) if len(first) == 1 else first, second, strict=True)
    data = [
        {"index": place, "object": "score", "score": likeness(*pair)}
        for place, pair in enumerate(pairs)
    ]
    return {
        "id": f"score-{asker.ident}", "object": "list", "created": asker.created,
        "model": asker.model, "data": data, "usage": _usage(*first, *second), "note": NOTE,
    }  # fmt: skip


def reranked(body: Mapping[str, object], asker: Asker) -> dict[str, object]:
    """Return the answer of `/v1/rerank`, the best first. Raises BadRequest."""
    (query, *_), documents = _texts(body, "query"), _texts(body, "documents")
    rows: list[tuple[float, int]] = sorted(
        (-likeness(query, text), place) for place, text in enumerate(documents)
    )
    most = body.get("top_n")
    kept = rows[:most] if isinstance(most, int) and most > 0 else rows
    results = [
        {"index": place, "document": {"text": documents[place], "multi_modal": None},
         "relevance_score": -score}
        for score, place in kept
    ]  # fmt: skip
    return {
        "id": f"rerank-{asker.ident}", "model": asker.model, "results": results,
        "usage": _usage(query, *documents), "note": NOTE,
    }  # fmt: skip


def likeness(first: str, second: str) -> float:
    """Return which part of their words two texts share."""
    here, there = (set(text.lower().split()) for text in (first, second))
    return round(len(here & there) / (len(here | there) or 1), 4)


def _texts(body: Mapping[str, object], name: str) -> list[str]:
    given = body.get(name)
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(one, str) for one in texts):
        raise BadRequest(f"{name}: must be a text, or a list of texts that is not empty")
    return texts


def _usage(*texts: str) -> dict[str, int]:
    words = sum(len(text.split()) for text in texts)
    return {"prompt_tokens": words, "total_tokens": words}
