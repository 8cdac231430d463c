"""What `/docs` lists is what a worker answers."""

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from spark_control.gateway import api
from spark_control.gateway.errors import WorkerAnswers
from spark_control.gateway.worker import known


def test_every_route_of_a_worker_is_listed() -> None:
    app = FastAPI()
    app.include_router(api.shown())
    paths = app.openapi()["paths"]
    posts = {path for path, methods in paths.items() if "post" in methods}
    assert posts == known.MODEL_PATHS | known.UPLOAD_PATHS
    assert set(paths) - posts == {
        known.MODELS_PATH, f"{known.MODELS_PATH}/{{model}}", known.VOICES_PATH,
    }  # fmt: skip
    assert all(row["summary"] for methods in paths.values() for row in methods.values())
    upload = paths["/v1/audio/transcriptions"]["post"]["requestBody"]["content"]
    assert "multipart/form-data" in upload


async def test_control_answers_none_of_them() -> None:
    for route in api.shown().routes:
        assert isinstance(route, APIRoute)
        with pytest.raises(WorkerAnswers):
            await route.endpoint()
