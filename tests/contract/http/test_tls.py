"""Upstreams that speak TLS: whom the worker believes, and that all else stays as it is."""

import asyncio
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from spark_control.core.clock import RealClock
from spark_control.gateway.route import Target
from spark_control.gateway.worker.times import Times
from tests.contract.http.peer import Line, echo, line_to, played
from tests.contract.http.plane import BODY, code, plane, request
from tests.contract.http.test_relay import SSE, STREAM


def certificate(folder: Path, *, name: str) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for `name` that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)  # noqa: TID251 - what TLS compares it with is the real clock
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )  # fmt: skip
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return path, context


@pytest.mark.parametrize("named", ["localhost", "spark1.example.org"])
async def test_an_upstream_of_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """Who vouches for itself is believed only when the machine trusts it, and by its own name."""
    path, context = certificate(tmp_path, name=named)
    times = Times(look=0.02, away=0.0)
    async with played(echo, tls=context) as engine:
        there = Target(name="far", base_url=f"https://localhost:{engine.port}", served=("m",))
        async with plane(there, times=times) as gateway:
            assert code(await gateway.raw(request())) == (502, "engine_unreachable")
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        async with plane(there, times=times) as gateway, line_to(gateway.port) as client:
            if named != "localhost":
                assert code(await gateway.raw(request())) == (502, "engine_unreachable")
                return
            for _ in range(2):
                await client.say(request(close=False))
                assert (await client.message()).body.endswith(BODY)
            large = json.dumps({"model": "m", "x": "y" * 900_000}).encode()
            await client.say(request(large, close=False))
            assert (await client.message()).body.endswith(large)
        assert len([line for line in engine.lines if line.raw]) == 1


async def test_a_stream_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stuck reader holds it back as without TLS, and one that leaves ends it at once."""
    part = b"%x\r\n%b\r\n" % (len(SSE) * 1000, SSE * 1000)

    async def floods(line: Line) -> None:
        await line.message()
        await line.say(STREAM)
        while True:
            await line.say(part)
            line.told += len(part)

    path, context = certificate(tmp_path, name="localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with played(floods, tls=context) as engine:
        there = Target(name="far", base_url=f"https://localhost:{engine.port}", served=("m",))
        async with plane(there) as gateway, line_to(gateway.port, window=16384) as client:
            await client.say(request(close=False))
            await gateway.until(lambda: bool(engine.lines) and engine.lines[0].told > 0)
            seen = -1
            while engine.lines[0].told != seen:  # until it has come to a stop
                seen = engine.lines[0].told
                await RealClock().sleep(0.25)
            assert seen < 40_000_000
            client.reset()
            await asyncio.wait_for(engine.lines[0].gone.wait(), 5)
            assert gateway.worker.pool.busy() == {}
