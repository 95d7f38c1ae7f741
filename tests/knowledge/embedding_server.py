"""An embedding server on a real socket: right by default, wrong in the ways that servers are."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.knowledge.fake_embedder import WORD, mean

KEY = "sk-scripted-0123456789"


class Script:
    """What the server does; tests change it as they go.

    Attributes:
        dimensions: of its vectors, which two texts that share words have near to each other.
        change: called with the list of items of an answer; returns another one.
        raw: sent instead of an answer: (status, content type, body, headers).
        failures: how many requests `raw` is for; None: all.
        wait: seconds before an answer.
        trickle: seconds between the bytes of an answer.
        batches: the sizes of the requests so far.
    """

    def __init__(self, dimensions: int = 48) -> None:
        self.dimensions = dimensions
        self.change: Callable[[list[dict]], list[dict]] = lambda items: items
        self.raw: tuple[int, str, bytes, dict[str, str]] | None = None
        self.failures: int | None = None
        self.wait = self.trickle = 0.0
        self.batches: list[int] = []
        self.url = ""
        self.lock = threading.Lock()

    def fails(self, status: int, said: str = "no", times: int | None = None, **headers: str) -> None:
        body = json.dumps({"error": {"message": said}}).encode()
        self.raw, self.failures = (status, "application/json", body, headers), times

    def says(self, body: bytes, content_type: str = "application/json") -> None:
        self.raw, self.failures = (200, content_type, body, {}), None

    def answer(self, texts: list[str]) -> tuple[int, str, bytes, dict[str, str]]:
        with self.lock:
            self.batches.append(len(texts))
            if self.raw is not None and self.failures != 0:
                self.failures = None if self.failures is None else self.failures - 1
                return self.raw
        items = [{"object": "embedding", "index": n, "embedding": self.vector(text)} for n, text in enumerate(texts)]
        return 200, "application/json", json.dumps({"object": "list", "data": self.change(items)}).encode(), {}

    def vector(self, text: str) -> list[float]:
        return mean(WORD.findall(text.lower()) or [""], self.dimensions).tolist()


@contextlib.contextmanager
def embedding_server(script: Script) -> Iterator[Script]:
    """`script` behind a socket, at `script.url`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.headers["authorization"] != f"Bearer {KEY}":
                answer = 401, "application/json", b'{"error": {"message": "bad key ' + KEY.encode() + b'"}}', {}
            else:
                answer = script.answer(asked["input"])
            time.sleep(script.wait)
            self.send(*answer)

        def send(self, status: int, content_type: str, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"content-type": content_type, "content-length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            with contextlib.suppress(OSError):  # a client that has given up
                step = 1 if script.trickle else len(body) or 1
                for at in range(0, len(body), step):
                    self.wfile.write(body[at : at + step])
                    time.sleep(script.trickle)

        def log_message(self, *args: object) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Clients that have given up are expected."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
