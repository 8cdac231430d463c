"""Each file of the data directory is in a backup, or it is written down that it is not."""

import re
from pathlib import Path

from spark_control.settings.manifest import DATABASE, LEFT_OUT, belongs

SOURCES = Path("src/spark_control")
NAMED = re.compile(
    r'data\.file\("([^"]+)"|boot\.path\("[A-Z_]+", "([^"]+)"|(?:data|self)\.root / "([^"]+)"'
)


def test_no_file_is_forgotten() -> None:
    texts = [path.read_text(encoding="utf-8") for path in SOURCES.glob("*/**/*.py")]
    names = {next(filter(None, found)) for text in texts for found in NAMED.findall(text)}
    assert {"access.json", "app_settings.json", DATABASE, "logs"} <= names
    assert {name for name in names if not belongs(name) and name not in LEFT_OUT} == set()
