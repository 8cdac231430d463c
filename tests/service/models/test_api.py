"""`GET /api/models` as clients see it."""

import json
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
from fastapi import FastAPI

from spark_control.core.tasks import Tasks
from spark_control.models.api import router
from spark_control.models.domain import (
    Catalogue,
    Facts,
    Inventory,
    Kind,
    Knobs,
    Mode,
    OnDisk,
    Problem,
    Recipe,
)
from spark_control.models.usecases import Models
from tests.service.clock import TestClock
from tests.service.models.test_models import World
