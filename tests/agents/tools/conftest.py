"""The little shop of commerce's tests, contexts of its customer, and a web server on this machine."""

import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agents.tools.base import ToolContext
from agents.tools.registry import built_in
from commerce.exchange import import_shop
from commerce.models import Customer
from tests.commerce.little_shop import little_shop


@pytest.fixture
def make_context(tenant):
    def make(customer=None, *, language="en", typed=(), key=""):
        return ToolContext(
            tenant_id=tenant.pk,
            tenant_name="Acme",
            language=language,
            conversation=uuid.uuid4(),
            reply=uuid.uuid4(),
            actor="visitor",
            customer=customer,
            typed=tuple(typed),
            key=key,
        )

    return make


@pytest.fixture
def shop(scope):
    import_shop(little_shop(), actor="test")
    return scope


@pytest.fixture
def ann(shop):
    return Customer.objects.get(code="ann_1")


@pytest.fixture
def use(make_context, ann):
    """Calls a built-in tool for Ann."""

    def call(name, *, customer=ann, context=None, **arguments):
        return built_in()[name].function(context or make_context(customer), **arguments)

    return call


class Site:
    """A web server whose pages are functions of its request handler; `asked` are (method, path, headers, body)."""

    def __init__(self):
        self.pages, self.asked = {}, []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                site.asked.append((self.command, self.path, dict(self.headers), body))
                site.pages[self.path.partition("?")[0]](self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 (the names it looks for)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def page(self, path, body=b"{}", status=200, **headers):
        def answer(handler):
            handler.send_response(status)
            for name, value in {"Content_Length": str(len(body)), **headers}.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(body)

        self.pages[path] = answer


@pytest.fixture
def site(settings):
    settings.ASKWELL_TEST_TOOL_ADDRESSES = ("127.0.0.1",)
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()
