"""Web servers on this machine that answer chat requests in all the wrong ways, for tests without an event loop."""

import asyncio
import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agents.llm.scripted_server import ScriptedServer

EVENTS = "text/event-stream"


class Server:
    """Answers every request with `status`, `kind` and `body`, or 400 to one that has the member `refuses`.

    `asked` are (path, headers with small letters, JSON).
    """

    def __init__(self):
        self.status, self.kind, self.body, self.asked = 200, "application/json", "{}", []
        self.headers, self.refuses = {}, ""
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = json.loads(body or b"{}")
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.asked.append((self.path, headers, asked))
                refused = server.refuses and server.refuses in asked
                data = b"{}" if refused else server.body.encode()
                self.send_response(400 if refused else server.status)
                for name, value in {"Content-Type": server.kind, "Content-Length": len(data), **server.headers}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(data)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def answers(self, body, *, status=200, kind="application/json"):
        self.status, self.kind = status, kind
        self.body = body if isinstance(body, str) else json.dumps(body)

    def says(self, text, usage=None, *, finish="stop"):
        """A streamed answer."""
        events = [{"choices": [{"index": 0, "delta": {"content": word + " "}}]} for word in text.split()]
        if finish:
            events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        if usage:
            events.append({"choices": [], "usage": usage})
        self.answers("".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n", kind=EVENTS)

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def scripted(script):
    """A scripted server, run in a thread of its own."""
    server, loop = ScriptedServer(script), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(5)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
