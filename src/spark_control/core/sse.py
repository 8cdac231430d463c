"""Server-sent events as text: one frame each, and the headers that keep proxies from buffering."""

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
BEAT = ": still here\n\n"


def event(name: str, data: str, *, event_id: str | None = None) -> str:
    """Return one frame; `data` may hold line breaks."""
    lines = [f"event: {name}"]
    if event_id is not None:
        lines.append(f"id: {event_id}")
    lines += [f"data: {line}" for line in data.split("\n")]
    return "\n".join(lines) + "\n\n"
