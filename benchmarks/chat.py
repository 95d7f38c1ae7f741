"""Time to the first words, and replies a second.

Measured from `message.send` to the first `message.delta` over real sockets, the server being `manage.py serve` with the
demo. "Extractive" has no model behind; "our share" has a scripted model that answers at once, with everything on.
"""

import argparse
import asyncio
import time
from pathlib import Path

from benchmarks.serving import Turn, customer, percentile, scripted_model, serving

QUESTIONS = [
    "How long does the battery of the X1 laptop last?",
    "Can I send back an opened laptop?",
    "How do I pair the earbuds with a second device?",
    "What does shipping cost?",
    "How much memory does the Gaming Laptop G1 have?",
    "Which charger comes with the UltraBook 13?",
]
CHATS = 20
SCRIPT = {"otherwise": "Yes, that is what the documents say. [1] It holds for all models of this year. [2]"}


async def alone(base: str, turns: int) -> list[Turn]:
    async with customer(base) as one:
        for question in QUESTIONS:
            await one.ask(question)
        return [await one.ask(QUESTIONS[n % len(QUESTIONS)]) for n in range(turns)]


async def paced(base: str, seconds: float, every: float) -> list[Turn]:
    """CHATS customers who each ask every `every` seconds."""

    async def chat(n: int) -> list[Turn]:
        await asyncio.sleep(every * n / CHATS)
        turns, until = [], time.monotonic() + seconds
        async with customer(base) as one:
            while time.monotonic() < until:
                turn = await one.ask(QUESTIONS[(n + len(turns)) % len(QUESTIONS)])
                turns.append(turn)
                await asyncio.sleep(max(0.0, every - turn.total))
        return turns

    return [turn for turns in await asyncio.gather(*map(chat, range(CHATS))) for turn in turns]


def row(name: str, turns: list[Turn], seconds: float = 0.0) -> None:
    firsts = [1000 * turn.first_delta for turn in turns if turn.right]
    wrong = len(turns) - len(firsts)
    rate = f", {len(firsts) / seconds:.1f} replies/s" if seconds else ""
    found = f"p50 {percentile(firsts, 0.5):.0f} ms, p95 {percentile(firsts, 0.95):.0f} ms" if firsts else "no reply"
    print(f"{name:<48} {found}{rate}, {len(firsts)} replies, {wrong} wrong", flush=True)
    if wrong:
        print("   for example:", next(turn.end for turn in turns if not turn.right))


def measure(seconds: float, data: Path | None) -> None:
    with serving(data) as server:
        row("first delta, extractive, one customer", asyncio.run(alone(server.base, 60)))
        row("first delta, extractive, 20 chats every 2 s", asyncio.run(paced(server.base, seconds, 2.0)))
    with scripted_model(SCRIPT) as environment, serving(data, **environment) as server:
        row("our share, scripted model, one chat", asyncio.run(alone(server.base, 60)))
        row("our share, scripted model, 20 chats every 2 s", asyncio.run(paced(server.base, seconds, 2.0)))
        row("our share, scripted model, 20 chats, no pause", asyncio.run(paced(server.base, seconds, 0.0)), seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--keep", type=Path, help="a data folder to use again, so that the demo is read only once")
    options = parser.parse_args()
    measure(options.seconds, options.keep)
