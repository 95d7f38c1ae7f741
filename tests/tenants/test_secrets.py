"""Keys at rest: unreadable without SECRET_KEY, and never repeated from what a server says."""

import pytest

from agents.llm.base import LLMError, Message, Options
from agents.llm.openai_compatible import OpenAICompatible, close_clients
from tenants.secrets import UnreadableError, scrub, seal, unseal
from tests.agents.llm.servers import EVENTS, Server

pytestmark = pytest.mark.unit
KEY = "sk-proj-Abc123Def456Ghi789"


@pytest.mark.parametrize("text", ["", KEY, "schlüssel", "x" * 500])
def test_what_is_sealed_comes_back(text):
    assert unseal(seal(text)) == text


def test_nothing_of_a_key_can_be_read_or_compared():
    first, second = seal(KEY), seal(KEY)
    assert first != second
    assert KEY[:6] not in first


@pytest.mark.parametrize("damage", [lambda text: text[:-4] + "AAAA", lambda _: "plain", lambda _: "ünreadable"])
def test_what_is_damaged_says_so(damage):
    with pytest.raises(UnreadableError, match="enter it again"):
        unseal(damage(seal(KEY)))


def test_another_secret_key_reads_nothing(settings):
    sealed = seal(KEY)
    settings.SECRET_KEY = "another"
    with pytest.raises(UnreadableError, match="SECRET_KEY"):
        unseal(sealed)
    settings.SECRET_KEY = "for tests only"
    assert unseal(sealed) == KEY


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"Incorrect API key provided: {KEY}.", "Incorrect API key provided: [key]."),
        (f'{{"key":"{KEY}"}}', '{"key":"[key]"}'),
        ("Incorrect API key provided: sk-proj-********************i789.", "Incorrect API key provided: [key]"),
        ("Your key begins with sk-proj-Abc and ends with Ghi789", "Your key begins with [key] and ends with [key]"),
        ("No such model: gpt-5", "No such model: gpt-5"),
    ],
)
def test_a_server_that_repeats_the_key_is_not_repeated(said, shown):
    assert scrub(said, KEY) == shown


def test_short_keys_do_not_eat_the_text():
    assert scrub("k is not the key of kiosk", "k") == "[key] is not the key of kiosk"
    assert scrub("all is well", "") == "all is well"


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (401, "application/json", f'{{"error": {{"message": "Incorrect API key provided: {KEY}"}}}}'),
        (500, "text/html", f"<h1>Authorization: Bearer {KEY}</h1>"),
        (200, EVENTS, f'data: {{"error": {{"message": "No credit left for {KEY}"}}}}\n\n'),
        (200, EVENTS, f"data: {KEY}\n\n"),
        (200, KEY, "what is this?"),
    ],
)
async def test_errors_for_traces_and_the_breaker_do_not_hold_the_key(status, kind, body):
    server = Server()
    server.answers(body, status=status, kind=kind)
    model = OpenAICompatible(name="primary", model="m", base_url=server.base_url, api_key=KEY)
    try:
        with pytest.raises(LLMError) as caught:
            [chunk async for chunk in model.stream([Message("user", "Hello")], (), Options())]
    finally:
        await close_clients()
        server.close()
    assert KEY not in str(caught.value) + repr(caught.value)
