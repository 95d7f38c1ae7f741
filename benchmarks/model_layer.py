"""What the model layer costs a reply: the chain, the breaker and the metering around a provider, against it alone.

A scripted model answers at once, so nothing else takes time. Pairs of requests, one through the layer and one to the
bare provider, take turns in one process, which of them first by lot; each difference is one measurement. The layer
keeps its rows and its breaker's table in a PostgreSQL of the measurement's own, as in production.
"""

import argparse
import asyncio
import gc
import os
import random
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

PAIRS, WARM_UP, TOKENS = 600, 60, 400
FIRST_P50_MS, FIRST_P99_MS, TOKEN_US = 1.0, 5.0, 50.0
SEED = 20_261_121


async def timed(chunks: AsyncIterator[Any]) -> tuple[float, float, int]:
    """The seconds to the first text, those to the end, and the characters."""
    from agents.llm.base import TextDelta

    began, first, written = time.perf_counter(), 0.0, 0
    async for chunk in chunks:
        if isinstance(chunk, TextDelta):
            first = first or time.perf_counter() - began
            written += len(chunk.text)
    return first, time.perf_counter() - began, written


async def measure(pairs: int) -> tuple[list[float], list[float]]:
    """What the layer adds to the first text, in seconds, and to each token; a pair of requests each."""
    from agents.llm import chain
    from agents.llm.base import Message, Options
    from agents.llm.metering import Account, Metered
    from agents.llm.openai_compatible import close_clients
    from agents.llm.registry import Model
    from agents.llm.scripted_server import Script, ScriptedServer
    from tenants.services import create_tenant

    tenant = await asyncio.to_thread(create_tenant, slug="measured", name="Measured")
    messages, options = [Message("user", "How long does it last?")], Options(max_tokens=2 * TOKENS)
    chance = random.Random(SEED)
    firsts, tokens = [], []
    async with ScriptedServer(Script(otherwise="word " * TOKENS)) as server:
        model = Model("primary", "scripted", server.base_url, "k", Decimal(1), Decimal(2))
        bare = model.provider()

        async def through_the_layer() -> tuple[float, float, int]:
            account = Account(tenant.pk, str(uuid.uuid4()), str(uuid.uuid4()), "visitor")
            layered = Metered(model.provider(), model, account)
            return await timed(chain.stream([layered], messages, (), options))

        async def alone() -> tuple[float, float, int]:
            return await timed(bare.stream(messages, (), options))

        for number in range(WARM_UP + pairs):
            ways = [through_the_layer, alone]
            order = chance.sample(ways, 2)
            found = {way: await way() for way in order}
            layered, single = found[through_the_layer], found[alone]
            assert layered[2] == single[2] == len("word " * TOKENS)
            if number >= WARM_UP:
                firsts.append(layered[0] - single[0])
                tokens.append((layered[1] - layered[0] - single[1] + single[0]) / TOKENS)
        await close_clients()
    return firsts, tokens


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="askwell-model-layer-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user where this runs as root
        os.environ["ASKWELL_DATA"] = folder
        os.environ.pop("DATABASE_URL", None)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
        import django

        django.setup()
        from project.database import database_ready

        with database_ready():
            gc.freeze()
            firsts, tokens = asyncio.run(measure(options.pairs))
    first = [percentile(firsts, share) * 1000 for share in (0.5, 0.99)]
    token = percentile(tokens, 0.5) * 1_000_000
    print(f"{len(firsts)} pairs of requests, {TOKENS} tokens each, load {os.getloadavg()[0]:.1f}")
    bars = f"bars {FIRST_P50_MS} and {FIRST_P99_MS}"
    print(f"added to the first token: p50 {first[0]:.3f} ms, p99 {first[1]:.3f} ms ({bars})")
    print(f"added to each token: {token:.2f} µs (bar {TOKEN_US})")
    return not (first[0] <= FIRST_P50_MS and first[1] <= FIRST_P99_MS and token <= TOKEN_US)


if __name__ == "__main__":
    sys.exit(main())
