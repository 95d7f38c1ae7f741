"""Fetching: public addresses only, pinned; limits of time, size and redirects; every failure a sentence."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from knowledge import fetching
from knowledge.fetching import FetchError, NotPublicError, Request, TooSlowError, fetch, is_public, send

pytestmark = pytest.mark.unit
PAGE = b"<html><body><p>Hello</p></body></html>"


class Site:
    """A web site on this machine whose pages are functions of the request handler."""

    def __init__(self) -> None:
        self.pages = {}
        self.hosts = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.hosts.append(self.headers["Host"])
                page = site.pages.get(self.path.partition("?")[0])
                if page is None:
                    self.send_error(404)
                else:
                    page(self)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://docs.example:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def page(self, path, body=PAGE, status=200, **headers):
        def answer(handler):
            handler.send_response(status)
            for name, value in {"Content_Length": str(len(body)), **headers}.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(body)

        self.pages[path] = answer


@pytest.fixture
def site():
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


def get(url, allowed=lambda _address: True, resolver=lambda _host, _port: ["127.0.0.1"]):
    return fetch(url, resolver=resolver, allowed=allowed)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 (as a target)
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1", "fe80::1%eth0",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_that_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://2130706433/", "http://0x7f000001/", "http://127.1/",
        "http://[::ffff:127.0.0.1]/", "http://0/",
    ],
)  # fmt: skip
def test_our_own_machine_is_refused_however_it_is_written(url):
    with pytest.raises(FetchError, match="not on the public internet"):
        fetch(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/a", "no address of a page"),
        ("file:///etc/passwd", "no address of a page"),
        ("gopher://example.com", "no address of a page"),
        ("https://", "no address of a page"),
        ("http://example.com:99999/", "no address of a page"),
        ("http://[::1", "no address of a page"),
        ("", "no address of a page"),
        ("http://user:secret@example.com/", "user name"),
    ],
)
def test_what_is_no_address_is_refused(url, reason):
    with pytest.raises(FetchError, match=reason):
        get(url)


def test_a_page_comes_with_a_name_that_tells_its_kind(site):
    site.page("/help/returns", Content_Type="text/html; charset=utf-8")
    page = get(f"{site.url}/help/returns?lang=en")
    assert (page.data, page.filename) == (PAGE, "returns.html")
    assert site.hosts == [f"docs.example:{site.port}"]


@pytest.mark.parametrize(
    ("path", "headers", "name"),
    [
        ("/manual.pdf", {"Content_Type": "application/pdf"}, "manual.pdf"),
        ("/get", {"Content_Type": "application/pdf"}, "get.pdf"),
        ("/get", {"Content_Disposition": 'attachment; filename="Price list.xlsx"'}, "Price list.xlsx"),
        ("/get", {"Content_Disposition": 'attachment; filename="../../etc/passwd"'}, "_.._etc_passwd.txt"),
        ("/", {"Content_Type": "text/html"}, "docs.example.html"),
        ("/index.php", {"Content_Type": "text/html"}, "index.php.html"),
        ("/read.md", {"Content_Type": "text/plain"}, "read.md"),
    ],
)
def test_names_of_files(site, path, headers, name):
    site.page(path, **headers)
    assert get(site.url + path).filename == name


def test_every_hop_is_resolved_once_and_checked(site):
    site.page("/a", status=302, Location=f"http://inside.example:{site.port}/b")
    site.page("/b")
    asked = []

    def resolver(host, _port):
        asked.append(host)
        return ["127.0.0.1"]

    with pytest.raises(FetchError, match=r"inside\.example is not on the public internet"):
        get(f"{site.url}/a", allowed=lambda _: asked[-1] != "inside.example", resolver=resolver)
    assert asked == ["docs.example", "inside.example"]


def test_one_private_address_among_several_is_enough_to_refuse():
    with pytest.raises(FetchError, match="not on the public internet"):
        fetch("http://mixed.example/", resolver=lambda *_: ["8.8.8.8", "10.0.0.1"])


def test_a_relative_redirect_is_followed_and_too_many_are_not(site):
    site.page("/a", status=301, Location="b")
    site.page("/b", Content_Type="text/plain")
    site.page("/loop", status=307, Location="/loop")
    assert get(f"{site.url}/a").url == f"{site.url}/b"
    with pytest.raises(FetchError, match="more than five times"):
        get(f"{site.url}/loop")
    assert len(site.hosts) == 2 + 6


@pytest.mark.parametrize("length", [True, False])
def test_a_file_that_is_too_large_is_given_up(site, monkeypatch, length):
    monkeypatch.setattr(fetching, "MAX_BYTES", 1000)
    site.page("/big", b"x" * 5000, **({} if length else {"Content_Length": "", "Connection": "close"}))
    with pytest.raises(FetchError, match="larger than"):
        get(f"{site.url}/big")


def test_a_packed_bomb_is_given_up_before_it_is_unpacked(site, monkeypatch):
    monkeypatch.setattr(fetching, "MAX_BYTES", 100_000)
    site.page("/bomb", gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip")
    with pytest.raises(FetchError, match="larger than"):
        get(f"{site.url}/bomb")


def test_a_packed_page_is_unpacked(site):
    site.page("/page", gzip.compress(PAGE), Content_Encoding="gzip")
    assert get(f"{site.url}/page").data == PAGE


def test_a_server_that_drips_is_given_up_in_time(site, monkeypatch):
    monkeypatch.setattr(fetching, "MAX_SECONDS", 0.4)
    stop = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        while not stop.wait(0.05):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    site.pages["/drip"] = drip
    with pytest.raises(FetchError, match="took longer"):
        get(f"{site.url}/drip")
    stop.set()


def test_a_name_that_takes_for_ever_to_resolve_is_given_up(monkeypatch):
    monkeypatch.setattr(fetching, "MAX_SECONDS", 0.1)
    never = threading.Event()
    with pytest.raises(FetchError, match="took longer"):
        get("http://slow.example/", resolver=lambda *_: [str(never.wait(5))])
    never.set()


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "no page there"), (403, "refuses"), (401, "sign-in"), (500, "error")]
)
def test_other_answers_are_explained(site, status, reason):
    site.page("/x", b"no", status=status)
    with pytest.raises(FetchError, match=f"{reason}.*status {status}"):
        get(f"{site.url}/x")


def test_an_empty_page_and_a_broken_one_are_refused(site):
    site.page("/empty", b"")
    site.page("/cut", b"half", Content_Length="100")
    with pytest.raises(FetchError, match="empty"):
        get(f"{site.url}/empty")
    with pytest.raises(FetchError, match="broke off"):
        get(f"{site.url}/cut")


def test_names_that_do_not_exist_and_servers_that_are_away_are_explained(site):
    def unknown(*_):
        raise OSError("no such name")

    with pytest.raises(FetchError, match=r"no server called docs\.example"):
        get(site.url, resolver=unknown)
    with pytest.raises(FetchError, match="could not be reached"):
        get("http://docs.example:1/")
    with pytest.raises(FetchError, match="could not be reached"):
        get(f"https://docs.example:{site.port}/")  # speaks no TLS


def ask(url, *, allowed=lambda _address: True, resolver=lambda _host, _port: ["127.0.0.1"], **limits):
    return send(Request(url), resolver=resolver, allowed=allowed, **{"seconds": 5, "limit": 1000, **limits})


def test_a_tools_server_is_resolved_once_a_hop_and_checked(site):
    site.page("/a", status=302, Location=f"http://inside.example:{site.port}/b")
    site.page("/b")
    asked = []

    def resolver(host, _port):
        asked.append(host)
        return ["127.0.0.1"]

    with pytest.raises(NotPublicError):
        ask(f"{site.url}/a", allowed=lambda _: asked[-1] != "inside.example", resolver=resolver)
    assert asked == ["docs.example", "inside.example"]
    assert len(site.hosts) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://[::ffff:169.254.169.254]/", "http://2130706433/"])
def test_a_tool_reaches_no_private_address_however_it_is_written(url):
    with pytest.raises(NotPublicError):
        send(Request(url), seconds=5, limit=10)


def test_of_a_tools_answer_no_more_is_read_than_is_wanted(site):
    site.page("/big", gzip.compress(b"x" * 50_000_000), Content_Encoding="gzip")
    site.page("/gone", b"sorry", status=410)
    reply = ask(f"{site.url}/big")
    assert (reply.data, reply.whole) == (b"x" * 1000, False)
    reply = ask(f"{site.url}/gone")
    assert (reply.status, reply.data, reply.whole) == (410, b"sorry", True)


def test_a_tools_server_that_takes_for_ever_is_given_up():
    never = threading.Event()
    with pytest.raises(TooSlowError):
        ask("http://slow.example/", resolver=lambda *_: [str(never.wait(5))], seconds=0.1)
    never.set()
