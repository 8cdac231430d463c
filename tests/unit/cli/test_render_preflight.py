"""How a pre-flight and a dry run look."""

from spark_control.cli.answer import Answer
from spark_control.cli.render import preflight as view
from tests.unit.cli.look import look

FOUND = {
    "ok": False, "spark": "spark1", "errors": ["no option --foo", "2496 > 2048"],
    "warnings": ["given twice"], "note": "A pass is no promise.",
}  # fmt: skip


def test_what_would_go_wrong() -> None:
    assert look(view.report(Answer(FOUND), "qwen36")) == (
        "Will not start: qwen36 on spark1\n"
        "✗ no option --foo\n"
        "✗ 2496 > 2048\n"
        "! given twice\n"
        "A pass is no promise."
    )


def test_nothing_against_it() -> None:
    shown = look(view.report(Answer({"ok": True, "spark": "spark2"}), "qwen36"))
    assert shown == "Nothing against it: qwen36 on spark2"


def test_a_dry_run() -> None:
    steps = [
        {"does": "Write x", "command": "cat > x", "stdin": "#!/bin/bash\nvllm serve M\n"},
        {"does": "Launch", "command": "./launch-cluster.sh", "stdin": None},
    ]
    shown = look(view.dry_run(Answer({"hosts": [{"spark": "spark1", "steps": steps}, {}]})))
    assert shown.splitlines() == [
        "On spark1:", "# Write x", "cat > x", "  #!/bin/bash", "  vllm serve M", "# Launch",
        "./launch-cluster.sh", "On -:", "Nothing was done.",
    ]  # fmt: skip
