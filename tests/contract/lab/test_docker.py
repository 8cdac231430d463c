"""The `docker` of the lab, word by word as Spark Control and people use it."""

import json

from tests.contract.lab.near import Near

RUN = "docker run -d --rm --gpus all --network host --name {name} {more} vllm-node {command}"


async def started(near: Near, name: str = "one", more: str = "", command: str = "") -> str:
    done = await near.run(RUN.format(name=name, more=more, command=command or "sleep infinity"))
    assert done.status == 0, done
    return done.out.strip()


async def test_a_container_is_listed_with_its_labels(near: Near) -> None:
    ident = await started(near, more="--label sc.job=j1 --label sc.token=3 -e A=b")
    await started(near, "two")
    listed = await near.run("docker ps --filter label=sc.job=j1 --format json --no-trunc")
    row = json.loads(listed.out)
    assert (row["ID"], row["Names"], row["State"]) == (ident, "one", "running")
    assert "sc.token=3" in row["Labels"].split(",")
    named = await near.run("docker ps -a --filter name=^/?one$ --format '{{.Names}}|{{.ID}}'")
    assert named.out == f"one|{ident[:12]}\n"
    both = await near.run("docker ps -q --filter label=sc.job --filter name=two")
    assert both.out == ""
    table = await near.run("docker ps")
    assert table.out.split()[:2] == ["CONTAINER", "ID"]
    assert (await near.run("docker ps --filter wrong=1")).status == 1


async def test_inspect_tells_fields_and_objects(near: Near) -> None:
    await started(near, more="--label 'a.b=c d' -v /tmp:/models")
    said = await near.run(
        "docker inspect -f '{{.State.Running}} {{.Name}} {{index .Config.Labels \"a.b\"}}' one"
    )
    assert said.out == "true /one c d\n"
    whole = json.loads((await near.run("docker inspect one")).out)
    assert whole[0]["HostConfig"]["AutoRemove"] is True
    assert whole[0]["Mounts"][0]["Destination"] == "/models"
    blank = await near.run(RUN.format(name="two", more="--label 'a b=c'", command="true"))
    assert (blank.status, "label 'a b' contains whitespaces" in blank.err) == (125, True)
    missing = await near.run("docker inspect nothing")
    assert (missing.status, missing.out.strip()) == (1, "[]")
    assert "no such object" in missing.err.lower()


async def test_images(near: Near) -> None:
    image = json.loads((await near.run("docker image inspect vllm-node")).out)[0]
    assert image["Architecture"] == "arm64"
    short = (await near.run("docker images -q vllm-node")).out.split()
    assert image["Id"].removeprefix("sha256:").startswith(short[0])
    missing = await near.run("docker run -d --name x no-such-image")
    assert missing.status == 125
    assert "pull access denied" in missing.err
    assert (await near.run("docker image inspect no-such-image")).status == 1


async def test_a_name_is_taken_once_and_free_after(near: Near) -> None:
    await started(near)
    second = await near.run(RUN.format(name="one", more="", command="sleep infinity"))
    assert second.status == 125
    assert "is already in use" in second.err
    assert (await near.run("docker rm one")).status == 1
    assert (await near.run("docker rm -f one")).out == "one\n"
    await started(near)


async def test_logs_have_lines_times_and_an_end(near: Near) -> None:
    await started(near, command="sh -c 'echo first; echo second; exec sleep infinity'")
    stamped = (await near.run("docker logs --timestamps --tail 1 one")).out
    assert stamped.split(" ", 1)[1] == "second\n"
    assert stamped[4] == "-"
    async with await near.connect() as connection:
        process = await connection.create_process("docker logs -f one")
        assert await process.stdout.readline() == "first\n"
        assert (await near.run("docker rm -f one")).status == 0
        assert (await process.wait()).exit_status == 0
    gone = await near.run("docker logs one")
    assert (gone.status, "no such container" in gone.err.lower()) == (1, True)


async def test_exec_keeps_words_streams_and_status(near: Near) -> None:
    await started(near, more="-e GREETING='hello there'")
    done = await near.run("docker exec one sh -c 'echo \"$GREETING\"; echo bad >&2; exit 7'")
    assert (done.status, done.out, done.err) == (7, "hello there\n", "bad\n")
    fed = await near.run("docker exec -i one python3 - 'a b'", "import sys; print(sys.argv)")
    assert fed.out == "['-', 'a b']\n"
    missing = await near.run("docker exec one no-such-program")
    assert (missing.status, "executable file not found" in missing.err) == (127, True)
    assert (await near.run("docker exec nothing true")).status == 1
    main_output = await near.run("docker exec one sh -c 'echo to the log > /proc/1/fd/1'")
    assert main_output.status == 0
    assert (await near.run("docker logs one")).out == "to the log\n"


async def test_files_go_in_and_out(near: Near) -> None:
    await started(near)
    await near.run("cat > ~/'a file'", "inside\n")
    assert (await near.run("docker cp ~/'a file' one:/workspace/x.txt")).status == 0
    assert (await near.run("docker exec one cat /workspace/x.txt")).out == "inside\n"
    assert (await near.run("docker cp one:/workspace/x.txt ~/out; cat ~/out")).out == "inside\n"


async def test_a_container_that_ends_is_removed_or_kept_as_asked(near: Near) -> None:
    kept = await near.run("docker run -d --network none --name kept vllm-node sh -c 'exit 3'")
    assert kept.status == 0
    state, shown = "", "docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' kept"
    for _ in range(100):
        state = (await near.run(shown)).out
        if state.startswith("exited"):
            break
    assert state == "exited 3\n"
    assert (await near.run("docker ps --filter name=kept -q")).out == ""
    assert (await near.run("docker exec kept true")).status == 1
    assert (await near.run("docker rm kept")).status == 0
    front = await near.run(
        "docker run --rm -i --network none vllm-node python3 -", "print('in front')"
    )
    assert (front.status, front.out) == (0, "in front\n")
    assert (await near.run("docker ps -aq")).out == ""


async def test_kill_stop_and_top(near: Near) -> None:
    await started(near)
    assert "sleep infinity" in (await near.run("docker top one")).out
    # Process 1 that did not ask for TERM never gets it.
    await near.run("docker kill -s TERM one")
    assert (await near.run("docker ps -q")).out != ""
    assert (await near.run("docker stop one")).out == "one\n"
    assert (await near.run("docker ps -aq")).out == ""
    assert (await near.run("docker stop one")).status == 1
    lenient = await near.run("docker rm -f one")
    assert (lenient.status, "no such container" in lenient.err.lower()) == (0, True)


async def test_words_nobody_knows(near: Near) -> None:
    assert (await near.run("docker dance")).status == 1
    wrong = await near.run("docker run --no-such-flag x")
    assert (wrong.status, wrong.err.splitlines()[0]) == (125, "unknown flag: --no-such-flag")
    assert (await near.run("docker version --format '{{.Server.Version}}'")).out.startswith("28")
    assert (await near.run("docker ps --format '{{nope .ID}}'")).status in {0, 1}
