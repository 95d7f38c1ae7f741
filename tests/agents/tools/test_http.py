"""Tools made of an HTTP request, against a real server: where arguments go, what is never sent, what comes back."""

import json
import threading
import time

import pytest

from agents.llm.base import ToolRequest
from agents.models import HttpTool, ToolKind
from agents.tools.base import ToolError
from agents.tools.calls import Round, run_calls
from agents.tools.http import MAX_READ, as_tool, is_allowed
from commerce.models import Customer

pytestmark = pytest.mark.unit


def argument(name, where="query", kind="string", *, required=False):
    return {"name": name, "type": kind, "description": f"The {name}.", "required": required, "where": where}


@pytest.fixture
def make(site):
    def row(path="/stock/{item}", **fields):
        fields = {"arguments": [argument("item", "path", required=True)], "limit_ms": 3000, **fields}
        return HttpTool(name="stock", description="How many are left.", url=site.url + path, **fields)

    return row


@pytest.fixture
def context():
    from uuid import uuid4

    from agents.tools.base import ToolContext

    return ToolContext(1, "Acme", "en", uuid4(), uuid4(), "visitor", customer=Customer(code="ann/1"), key="action-7")


def test_a_row_is_a_tool(make):
    tool = as_tool(
        make(arguments=[argument("item", "path", required=True), argument("size", kind="integer")], secret="s3cret")
    )
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "item": {"type": "string", "description": "The item."},
            "size": {"type": "integer", "description": "The size."},
        },
        "required": ["item"],
        "additionalProperties": False,
    }
    assert (tool.external, tool.scoped, tool.kind, tool.limit_ms) == (True, False, ToolKind.READ, 3000)
    assert "s3cret" not in json.dumps([tool.name, tool.description, tool.parameters, tool.summary])


def test_arguments_stand_in_path_query_and_body(make, site, context):
    site.page("/stock/a%2Fb%3Fc%20%C3%A9", b'{"left": 3}')
    where = [argument("item", "path"), argument("size"), argument("fresh", kind="boolean"), argument("note", "body")]
    row = make(method="POST", arguments=where)
    found = as_tool(row).function(context, item="a/b?c é", size="X&L=1", fresh=True, note='"quoted"')
    assert found.data == {"result": {"left": 3}}
    method, path, headers, body = site.asked[0]
    assert (method, path) == ("POST", "/stock/a%2Fb%3Fc%20%C3%A9?size=X%26L%3D1&fresh=true")
    assert json.loads(body) == {"note": '"quoted"'}
    assert headers["Content-Type"] == "application/json"
    assert "Idempotency-Key" not in headers


@pytest.mark.parametrize("value", ["..", ".", "", "  ", " .. "])
def test_an_argument_cannot_climb_out_of_its_place(make, site, context, value):
    with pytest.raises(ToolError, match="item cannot be"):
        as_tool(make()).function(context, item=value)
    assert site.asked == []


def test_the_secret_stands_in_headers_and_never_comes_back(make, site, context):
    site.page("/stock/a", b'{"you sent": "Bearer s3cret", "s3cret": 1}')
    row = make(
        secret="s3cret", headers={"Authorization": "Bearer {secret}", "X-Customer": "{customer}"}, needs_customer=True
    )
    found = as_tool(row).function(context, item="a")
    assert "s3cret" not in json.dumps(found.data)
    headers = site.asked[0][2]
    assert (headers["Authorization"], headers["X-Customer"]) == ("Bearer s3cret", "ann%2F1")


def test_a_secret_of_another_secret_key_is_not_sent_as_something_else(make, site, context, settings, caplog):
    site.page("/stock/A", b"{}")
    row = make(headers={"Authorization": "Bearer {secret}"}, secret="s3cret")
    assert "s3cret" not in row.sealed_secret
    settings.SECRET_KEY = "another"
    with pytest.raises(ToolError, match="entered again"):
        as_tool(row).function(context, item="A")
    assert not site.asked
    assert "enter it again" in caplog.text


def test_a_tool_for_verified_customers_asks_for_a_proof(make, site, context):
    from dataclasses import replace

    row = make("/of/{customer}/stock/{item}", needs_customer=True)
    with pytest.raises(ToolError) as caught:
        as_tool(row).function(replace(context, customer=None), item="a")
    assert (caught.value.code, site.asked) == ("not_verified", [])
    site.page("/of/ann%2F1/stock/a")
    as_tool(row).function(context, item="a")


def test_a_change_carries_its_key_and_is_not_made_without_one(make, site, context):
    from dataclasses import replace

    site.page("/stock/a")
    row = make(kind=ToolKind.CHANGE, method="DELETE")
    with pytest.raises(ToolError) as caught:
        as_tool(row).function(replace(context, key=""), item="a")
    assert (caught.value.code, site.asked) == ("not_confirmed", [])
    as_tool(row).function(context, item="a")
    assert (site.asked[0][0], site.asked[0][2]["Idempotency-Key"]) == ("DELETE", "action-7")


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (b'{"a": [1, "<p>two</p>"]}', {"a": [1, "two"]}),
        (b"{broken", "{broken"),
        (b"", ""),
        (b"<html><body><script>x()</script><p>Only 3 left</p></body></html>", "Only 3 left"),
        (b"\xff\xfe\x00", "\ufffd\ufffd\x00"),
        (b"[" * 100_000, "[" * 100_000),
    ],
)
def test_what_comes_back_is_json_or_text(make, site, context, body, result):
    site.page("/stock/a", body, Content_Type="application/json")
    assert as_tool(make()).function(context, item="a").data == {"result": result}


def test_other_charsets_are_read(make, site, context):
    site.page("/stock/a", "grün".encode("latin-1"), Content_Type="text/plain; charset=iso-8859-1")
    assert as_tool(make()).function(context, item="a").data == {"result": "grün"}
    site.page("/stock/a", "grün".encode(), Content_Type="text/plain; charset=nonsense")
    assert as_tool(make()).function(context, item="a").data == {"result": "grün"}


def test_a_huge_answer_is_read_in_part_and_says_so(make, site, context):
    site.page("/stock/a", b"x" * 5_000_000)
    data = as_tool(make()).function(context, item="a").data
    assert len(data["result"]) == MAX_READ
    assert str(MAX_READ) in data["note"]


@pytest.mark.parametrize(
    ("status", "code"), [(404, "not_found"), (403, "rejected"), (409, "rejected"), (500, "tool_failure")]
)
def test_a_failing_server_is_told(make, site, context, status, code):
    site.page("/stock/a", b"<p>No &amp; never: s3cret</p>" + b"x" * 9000, status)
    with pytest.raises(ToolError, match=f"status {status}: No & never: .secret.") as caught:
        as_tool(make(secret="s3cret")).function(context, item="a")
    assert caught.value.code == code
    assert len(str(caught.value)) < 600


def drip(stop):
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        while not stop.wait(0.05):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    return answer


def test_a_server_that_drips_is_left_in_time(make, site, context):
    stop = threading.Event()
    site.pages["/stock/a"] = drip(stop)
    started = time.monotonic()
    with pytest.raises(ToolError) as caught:
        as_tool(make(limit_ms=300)).function(context, item="a")
    stop.set()
    assert caught.value.code == "timeout"
    assert time.monotonic() - started < 2


def test_servers_that_are_away_or_break_off_are_a_failure(make, site, context):
    site.page("/stock/a", b"half", Content_Length="100")
    away = make()
    away.url = "http://127.0.0.1:1/{item}"
    with pytest.raises(ToolError) as caught:
        as_tool(away).function(context, item="a")
    assert caught.value.code == "tool_failure"
    broken = as_tool(make()).function(context, item="a").data
    assert broken["result"] == "half"
    assert "not the whole answer" in broken["note"]


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:{port}/inside", "http://169.254.169.254/latest/meta-data/", "http://localhost.localdomain.invalid/",
        "http://[::1]:{port}/", "http://10.0.0.1/", "http://0.0.0.0:{port}/inside", "file:///etc/passwd", "gopher://x/",
    ],
)  # fmt: skip
def test_redirects_into_our_own_network_are_not_followed(make, site, context, target):
    site.page("/stock/a", status=302, Location=target.format(port=site.server.server_address[1]))
    site.page("/inside", b"the inside")
    with pytest.raises(ToolError):
        as_tool(make()).function(context, item="a")
    assert [path for _, path, _, _ in site.asked] == ["/stock/a"]


def test_a_redirect_is_followed_without_the_secret_to_another_server(make, site, context, settings):
    settings.ASKWELL_TEST_TOOL_ADDRESSES = ("127.0.0.1", "127.0.0.3")
    row = make(secret="s3cret", headers={"Authorization": "{secret}"})
    site.page("/stock/a", status=302, Location="/b")
    site.page("/b", b'"here"')
    assert as_tool(row).function(context, item="a").data == {"result": "here"}
    assert site.asked[1][2]["Authorization"] == "s3cret"
    site.page("/stock/a", status=302, Location=site.url.replace("127.0.0.1", "localhost") + "/b")
    as_tool(row).function(context, item="a")
    assert "Authorization" not in site.asked[3][2]


def test_a_change_is_never_redirected(make, site, context):
    site.page("/stock/a", b"moved", 307, Location="/b")
    assert as_tool(make(kind=ToolKind.CHANGE, method="POST")).function(context, item="a").data == {"result": "moved"}
    assert len(site.asked) == 1


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "192.168.0.9", "fd00:ec2::254"])
def test_without_the_tests_setting_private_addresses_are_refused(make, site, context, settings, address):
    settings.ASKWELL_TEST_TOOL_ADDRESSES = ()
    assert not is_allowed(address)
    with pytest.raises(ToolError, match="not on the public internet") as caught:
        as_tool(make()).function(context, item="a")
    assert (caught.value.code, site.asked) == ("refused", [])


@pytest.mark.django_db(transaction=True)
async def test_a_slow_server_does_not_hold_up_the_call(make, site, tenant, make_context):
    stop = threading.Event()
    site.pages["/stock/a"] = drip(stop)
    context = make_context()
    asked = Round(tenant.pk, context.conversation, context.reply)
    tool = as_tool(make(limit_ms=300))
    [outcome] = await run_calls(asked, [ToolRequest("1", "stock", '{"item": "a"}')], [tool], lambda: context)
    stop.set()
    assert outcome.error == "timeout"
    assert outcome.ms < 2000
