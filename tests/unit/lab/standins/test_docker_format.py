"""Go templates, as far as the docker of the lab knows them."""

import pytest

from spark_control.lab.standins.docker_args import Refused
from spark_control.lab.standins.docker_format import lines, render

ROW: dict[str, object] = {
    "Names": "one",
    "Labels": "a=b,c=",
    "State": {"Running": True, "Pid": 4},
    "Config": {"Labels": {"x y": "z"}, "Env": ["A=1", "B=2"]},
    "Nothing": None,
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.Names}}\\t{{ .State.Pid }}", "one\t4"),
        ("{{.State.Running}}", "true"),
        ('{{.Label "a"}}|{{.Label "none"}}', "b|"),
        ('{{index .Config.Labels "x y"}}|{{index .Config.Labels "none"}}', "z|"),
        ('{{index .Names "x"}}', ""),
        ("{{json .State}}", '{"Running":true,"Pid":4}'),
        ("{{json .Names}}", '"one"'),
        ("{{.State}}", "map[Running:true Pid:4]"),
        ("{{.Config.Env}}", "[A=1 B=2]"),
        ("{{.Nothing}}", "<no value>"),
    ],
)
def test_render(template: str, text: str) -> None:
    assert render(template, ROW) == text


@pytest.mark.parametrize("template", ["{{.Wrong}}", "{{.Names.Deep}}", "{{if .Names}}"])
def test_what_it_can_not(template: str) -> None:
    with pytest.raises(Refused):
        render(template, ROW)


def test_listings() -> None:
    columns = {"ID": "CONTAINER ID", "Names": "NAMES"}
    rows: list[dict[str, object]] = [{"ID": "4f", "Names": "one", "State": "running"}]
    assert lines("json", rows, columns) == '{"ID": "4f", "Names": "one", "State": "running"}\n'
    assert lines("", rows, columns) == "CONTAINER ID   NAMES\n4f             one\n"
    assert lines("table {{.State}}\\t{{.ID}}", rows, columns) == (
        "STATE     CONTAINER ID\nrunning   4f\n"
    )
    assert lines("{{.ID}}", rows, columns) == "4f\n"
    assert lines("", [], columns) == "CONTAINER ID   NAMES\n"
