"""PostgreSQL away for ten seconds, frozen or dead: people are told, nothing is lost, and all goes on by itself."""

import asyncio
import contextlib
import time
import urllib.error
import urllib.request

import pytest

from tests.faults.customer import Customer, problems
from tests.faults.stage import ANSWER, LONG, QUESTION

AWAY_SECONDS = 10.0 if LONG else 8.0
TELLING_SECONDS = 7.5  # within which page and socket must have said so
RELOAD_AFTER = 2.0  # seconds that a person looks at a page that does not come


def page(base, path, timeout=30.0):
    """Status and text of a page."""
    try:
        with urllib.request.urlopen(base + path, timeout=timeout) as response:  # noqa: S310 (our own address)
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


async def told_by_the_page(base):
    """Whether the page says so, at the latest when it is asked for again: a request under way may wait."""
    while True:
        with contextlib.suppress(TimeoutError):
            status, text = await asyncio.to_thread(page, base, "/acme/", RELOAD_AFTER)
            return status == 503 and "Nothing is lost" in text and 'http-equiv="refresh"' in text


async def others_are_told(base):
    """By another web server: who watches its health, who comes to a page, who opens a socket."""
    status, text = await asyncio.to_thread(page, base, "/healthz")
    assert status == 503
    assert "database" in text
    for path in ("/", "/acme/", "/admin/", "/accounts/sign-in/"):
        status, _ = await asyncio.to_thread(page, base, path)
        assert status == 503 or (path == "/accounts/sign-in/" and status == 200), path
    async with Customer() as newcomer:
        first = await newcomer.connect(base)
        assert (first["type"], first.get("code")) == ("socket.closed", 4503)


@pytest.fixture
def away(stage, request):
    """PostgreSQL in one of the ways to be away; all is well again after the test."""
    yield {"frozen": stage.database_frozen, "dead": stage.database_gone}[request.param]
    stage.wait_until_well()


@pytest.mark.parametrize("away", ["frozen", "dead"], indirect=True)
async def test_the_database_is_away_for_ten_seconds(stage, away):
    base = stage.bases[0]
    async with Customer() as streaming, Customer() as sending:
        for customer in (streaming, sending):
            await customer.connect(base)
        streamed = await streaming.ask(QUESTION)
        await streaming.until(lambda frame: frame["type"] == "message.delta")
        with away():
            started = time.monotonic()
            sent = await sending.ask(QUESTION)
            telling = asyncio.ensure_future(told_by_the_page(base))
            error = asyncio.ensure_future(sending.until(lambda frame: frame["type"] == "error"))
            await sending.send(type="ping")
            await sending.until(lambda frame: frame["type"] == "pong", patience=TELLING_SECONDS)
            done, _ = await asyncio.wait([telling, error], timeout=TELLING_SECONDS)
            if away == stage.database_gone:
                await others_are_told(stage.bases[1])
            await asyncio.sleep(max(0.0, AWAY_SECONDS - (time.monotonic() - started)))
        # Whatever was not told in time must not hide that the rest holds.
        end = await streaming.see_through(streamed, lambda: base, 90)
        assert end["text"] == ANSWER
        assert (await come_through(sending, sent, base))["text"] == ANSWER
        assert problems(streaming.frames) == problems(sending.frames) == []
        assert not streaming.seen("socket.closed")
        assert telling in done, "the page did not say so in time"
        assert telling.result()
        assert error in done, "the socket did not say so"
        assert (error.result()["code"], error.result()["client_id"]) == ("unavailable", sent)
    await asyncio.to_thread(stage.wait_until_well)
    assert (await asyncio.to_thread(page, base, "/acme/"))[0] == 200
    asked = stage.query("SELECT count(*) FROM chat_message WHERE client_id = ANY(%s)", [streamed, sent])
    assert asked == [(2,)]


async def come_through(customer, client_id, base):
    """Sends again, as the page does, until the message is taken; then to the end of the reply."""
    deadline = time.monotonic() + 60
    while client_id in customer.outbox and time.monotonic() < deadline:
        with contextlib.suppress(ConnectionError):
            await customer.send(**customer.outbox[client_id])
        await asyncio.sleep(1)
    return await customer.see_through(client_id, lambda: base, 90)
