"""Bodies are read as bursts: at once for few streams, less often for many, and never before the first text is out."""

import asyncio

import httpx2
import pytest

from agents.llm import bursts
from agents.llm.bursts import Bursts

TOKENS = 20


@pytest.fixture
async def address():
    """Where a server sends `TOKENS` tokens, 2 ms apart, in a body of HTTP chunks."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for n in range(TOKENS):
            writer.write(b"3\r\n%02d \r\n" % n)
            await writer.drain()
            await asyncio.sleep(0.002)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def read(address, *, paced):
    found = []
    async with (
        httpx2.AsyncClient() as client,
        client.stream("GET", address) as response,
        Bursts(response) as body,
    ):
        while burst := await body.next():
            found.append(burst)
            body.paced = paced
    assert b"".join(found) == b"".join(b"%02d " % n for n in range(TOKENS))
    assert Bursts.streaming == 0
    return found


async def test_few_streams_are_read_as_soon_as_there_is_something(address):
    assert len(await read(address, paced=False)) > TOKENS / 2


async def test_many_streams_are_read_less_often(address, monkeypatch):
    monkeypatch.setattr(bursts, "READS_PER_SECOND", 50)  # one stream: every 20 ms
    found = await read(address, paced=True)
    assert len(found) < TOKENS / 2
    assert len(found[0]) <= 9  # what came first did not wait


async def test_a_connection_that_breaks_is_told():
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server, httpx2.AsyncClient() as client:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with client.stream("GET", address) as response, Bursts(response) as body:
            assert await body.next() == b"one"
            with pytest.raises(httpx2.RemoteProtocolError):
                await body.next()


async def test_what_comes_from_no_network_is_read_too():
    response = httpx2.Response(200, content=b"all of it")
    async with Bursts(response) as body:
        assert await body.next() == b"all of it"
        assert await body.next() == b""
