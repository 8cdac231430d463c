"""The key we make, and the list of keys we have seen."""

import base64
import hmac
import stat
from pathlib import Path

import asyncssh
import pytest

from spark_control.fleet.adapters.known_hosts import KnownHosts, entry_name
from spark_control.fleet.adapters.ssh_key import ensure_key, load_key
from spark_control.fleet.errors import HostKeyChanged, KeyFileTrouble


def key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519").convert_to_public()


def test_a_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "ssh" / "id_ed25519"
    line = ensure_key(path)
    kind, _, comment = line.split()
    assert (kind, comment) == ("ssh-ed25519", "spark-control")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    body = path.read_bytes()
    assert ensure_key(path) == line
    assert path.read_bytes() == body
    assert sorted(file.name for file in path.parent.iterdir()) == ["id_ed25519", "id_ed25519.pub"]
    assert path.with_name("id_ed25519.pub").read_text() == f"{line}\n"


def test_a_key_of_the_user_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "id"
    asyncssh.generate_private_key("ecdsa-sha2-nistp256", comment="mine").write_private_key(path)
    assert ensure_key(path).startswith("ecdsa-sha2-nistp256 ")
    assert ensure_key(path).endswith(" mine")


def test_a_locked_key_is_said(tmp_path: Path) -> None:
    path = tmp_path / "id"
    locked = asyncssh.generate_private_key("ssh-ed25519")
    locked.write_private_key(path, "pkcs8-pem", passphrase="x")
    with pytest.raises(KeyFileTrouble) as caught:
        load_key(path)
    assert "Passphrase" in str(caught.value.detail["reason"])


def test_what_is_no_key_is_said_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "id"
    path.write_text("no key")
    with pytest.raises(KeyFileTrouble, match="cannot be used"):
        ensure_key(path)
    assert path.read_text() == "no key"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyFileTrouble) as caught:
        ensure_key(tmp_path / "file" / "id")
    assert str(tmp_path) in caught.value.message


def test_names_are_written_as_ssh_writes_them() -> None:
    assert entry_name("spark1", 22) == "spark1"
    assert entry_name("10.88.0.11", 2222) == "[10.88.0.11]:2222"


def test_a_key_is_pinned_once(tmp_path: Path) -> None:
    known = KnownHosts(tmp_path / "data" / "known_hosts")
    first = key()
    assert known.trusted("spark1", 22).accepts(first)
    assert known.pin("spark1", 22, first)
    assert not known.pin("spark1", 22, first)
    assert known.trusted("spark1", 22).keys == (first,)
    with pytest.raises(HostKeyChanged):
        known.pin("spark1", 22, key())
    assert not known.trusted("spark1", 22).accepts(key())
    assert known.trusted("spark1", 2222).accepts(key())


def test_a_line_without_an_end_is_not_run_on(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    first, second = key(), key()
    path.write_text(f"spark1 {first.export_public_key().decode().strip()}")
    known = KnownHosts(path)
    known.pin("spark2", 22, second)
    assert known.trusted("spark1", 22).keys == (first,)
    assert known.trusted("spark2", 22).keys == (second,)


def test_the_kinds_of_the_pinned_keys_are_asked_for_first(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    known = KnownHosts(path)
    assert known.trusted("spark1", 22).algorithms[0] == "ssh-ed25519"
    rsa = asyncssh.generate_private_key("ecdsa-sha2-nistp256").convert_to_public()
    known.pin("spark1", 22, rsa)
    algorithms = known.trusted("spark1", 22).algorithms
    assert algorithms[0] == "ecdsa-sha2-nistp256"
    assert len(algorithms) == len(set(algorithms)) == 6


def test_a_revoked_key_and_an_authority_are_honoured(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    bad, authority = key(), key()
    path.write_text(
        f"@revoked spark1 {bad.export_public_key().decode()}"
        f"@cert-authority a.example.org {authority.export_public_key().decode()}"
    )
    known = KnownHosts(path)
    assert not known.trusted("spark1", 22).accepts(bad)
    assert known.trusted("spark1", 22).accepts(key())
    signed = known.trusted("a.example.org", 22)
    assert signed.authorities == (authority,)
    assert signed.algorithms == ()
    assert not signed.accepts(key())


def test_a_line_that_is_no_entry_is_said(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text("garbage\n")
    with pytest.raises(KeyFileTrouble) as caught:
        KnownHosts(path).trusted("spark1", 22)
    assert caught.value.code == "key_file_trouble"


def line_of(one: asyncssh.SSHKey) -> str:
    return one.export_public_key("openssh").decode().strip()


def test_a_key_takes_the_place_of_those_of_its_address_only(tmp_path: Path) -> None:
    old, new, other = (line_of(key()) for _ in range(3))
    path = tmp_path / "known_hosts"
    kept = [
        "# a remark",
        f"@revoked spark9 {other}",
        f"spark2 {other}",
        "",
        f"[spark1]:2222 {old}",
    ]
    path.write_text("\n".join([*kept, f"spark1 {old}", f"spark1,10.88.0.11 {old}"]))
    known = KnownHosts(path)
    known.replace("spark1", 22, asyncssh.import_public_key(new))
    kept.remove("")
    assert path.read_text().splitlines() == [*kept, f"10.88.0.11 {old}", f"spark1 {new}"]
    assert [line_of(one) for one in known.trusted("spark1", 22).keys] == [new]
    known.replace("spark1", 22, None)
    assert not known.trusted("spark1", 22).pinned
    assert known.trusted("10.88.0.11", 22).pinned


def test_a_hashed_line_of_the_address_goes(tmp_path: Path) -> None:
    salt = b"0123456789abcdefghij"
    digest = hmac.digest(salt, b"spark1", "sha1")
    hashed = f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
    path = tmp_path / "known_hosts"
    path.write_text(f"{hashed} {line_of(key())}\n")
    known = KnownHosts(path)
    assert known.trusted("spark1", 22).pinned
    known.replace("spark2", 22, None)
    assert known.trusted("spark1", 22).pinned
    known.replace("spark1", 22, None)
    assert path.read_text() == ""
