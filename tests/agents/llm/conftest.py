"""What the tests of the breaker share."""

import asyncio
import threading

import pytest

from agents.models import ProviderHealth
from tenants.scope import THREADS, in_thread


async def empty_table():
    everyone = threading.Barrier(THREADS)  # what was given up half-way goes on in its thread
    await asyncio.gather(*(in_thread(everyone.wait, 30) for _ in range(THREADS)))
    await in_thread(ProviderHealth.objects.all().delete)


@pytest.fixture
async def provider_table(db):
    """The real table of the providers, which threads read and write outside of the test's own transaction."""
    yield
    await empty_table()


@pytest.fixture
def provider_runner(db):
    """The same for a test that runs loops of its own."""
    with asyncio.Runner() as runner:
        yield runner
        runner.run(empty_table())
