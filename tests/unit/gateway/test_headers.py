"""Which headers go on, both ways."""

from spark_control.access.middleware import SECURITY
from spark_control.gateway.headers import to_client, to_engine


def test_to_the_engine() -> None:
    passed = {"content-type": "application/json", "accept": "*/*", "x-request-id": "1"}
    kept_back = (
        "host", "authorization", "x-api-key", "cookie", "origin", "referer", "sec-fetch-site",
        "sec-fetch-mode", "access-control-request-method", "connection", "content-length",
    )  # fmt: skip
    assert to_engine({**dict.fromkeys(kept_back, "x"), **passed}) == passed


def test_to_the_client() -> None:
    passed = {"content-type": "text/event-stream", "x-request-id": "1", "content-length": "3"}
    kept_back = (
        "access-control-allow-origin", "access-control-allow-credentials", "set-cookie", "server",
        "date", "transfer-encoding", *(name.lower() for name in SECURITY),
    )  # fmt: skip
    assert to_client({**dict.fromkeys(kept_back, "x"), **passed}) == passed
