"""How soon a customer hears where an order is, without a language model: from `message.send` to the end of the reply.

    python -m benchmarks.orders [--turns 100]

One visitor of the demo, who has proved who they are, on a real socket; the server is `manage.py serve`. Bar: p50 of
80 ms for the whole answer.
"""

import argparse
import asyncio
import sys

from benchmarks.serving import customer, percentile, serving

OPENING = "My e-mail is sofia@techpro.example. Where is my order ORD-1002?"
QUESTION, EXPECTED = "Where is ORD-1002?", "transit"
BAR_MS = 80.0


async def ask(base: str, turns: int) -> list[tuple[float, float]]:
    """Milliseconds to the first words and to the end of each reply."""
    async with customer(base) as one:
        for _ in range(3):
            await one.ask(OPENING)
        times = []
        for _ in range(turns):
            turn = await one.ask(QUESTION)
            if EXPECTED not in turn.end.get("text", ""):
                sys.exit(f"not answered: {turn.end}")
            times.append((1000 * turn.first_delta, 1000 * turn.total))
        return times


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=100)
    options = parser.parse_args()
    with serving() as server:
        times = asyncio.run(ask(server.base, options.turns))
    for name, values in zip(("first words", "whole answer"), zip(*times, strict=True), strict=True):
        p50, p95 = percentile(list(values), 0.5), percentile(list(values), 0.95)
        print(f"order status, {name}: p50 {p50:.0f} ms, p95 {p95:.0f} ms, {len(values)} turns")
    sys.exit(0 if percentile([whole for _, whole in times], 0.5) <= BAR_MS else 1)


if __name__ == "__main__":
    main()
