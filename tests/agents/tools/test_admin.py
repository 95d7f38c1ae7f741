# ruff: noqa: E501 - tables of cases stay on few lines
"""Tools in the admin: who may come, what is set, what is refused, and that the secret stays one."""

import uuid

import pytest
from django.urls import reverse

from agents.models import AgentPolicy, HttpTool, ToolCall, ToolSetting
from agents.tools.definitions import problems_of
from agents.tools.registry import built_in
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tests.conftest import person

pytestmark = pytest.mark.django_db
TOOLS, HTTP, CALLS, POLICY = (
    f"/admin/agents/{name}/" for name in ("toolsetting", "httptool", "toolcall", "agentpolicy")
)
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def curator(tenant, client):
    user = person(tenant, "cora", Role.CURATOR)
    client.force_login(user)
    return user


def values(**changed):
    """What the form of an HTTP tool sends."""
    fields = {
        "name": "stock",
        "description": "How many are left.",
        "kind": "read",
        "method": "GET",
        "url": "https://shop.example/stock/{item}",
        "arguments": "item | string | path | required | Which item | with a bar",
        "headers": "Authorization: Bearer {secret}",
        "secret": "s3cret",
        "summary": "",
        "limit_ms": "3000",
        "enabled": "on",
        **changed,
    }
    return {name: value for name, value in fields.items() if value is not None}


def change(row):
    return reverse("admin:agents_httptool_change", args=[row.pk])


@pytest.mark.parametrize("url", [TOOLS, HTTP, f"{HTTP}add/", CALLS, POLICY])
@pytest.mark.usefixtures("curator")
def test_owners_and_curators_alone_come_in(client, tenant, alice, bob, charlie, url):
    assert client.get(url, follow=True).status_code == 200
    client.force_login(alice)
    assert client.get(url, follow=True).status_code == 200
    for outsider in (person(tenant, "rita", Role.REVIEWER, Role.AGENT), bob, charlie):
        client.force_login(outsider)
        assert client.get(url, follow=True).status_code == 403
        assert client.post(url, {}, follow=True).status_code == 403


def test_the_page_lists_every_built_in_tool_with_its_figures(client, curator, tenant):
    with tenant_scope(tenant.pk):
        for ms in range(1, 101):
            ToolCall.objects.create(
                conversation=uuid.uuid4(),
                reply=uuid.uuid4(),
                position=ms,
                name="calculate",
                ms=ms,
                error="timeout" * (ms > 97),
            )
    page = client.get(TOOLS)
    forms = {form.tool.name: form for form in page.context["tools"]}
    assert set(forms) == set(built_in())
    figures = forms["calculate"].figures
    assert (figures.calls, figures.errors, figures.p50) == (100, 3, 50.5)
    assert figures.p95 == pytest.approx(95.05)
    assert forms["find_products"].figures.calls == 0
    assert "<code>cancel_pending_order</code>" in page.content.decode()


def posted(page, **changed):
    data = {}
    for form in page.context["tools"]:
        for field in form:
            value = form.initial.get(field.name)
            if value not in (None, False):
                data[field.html_name] = "on" if value is True else value
    return {name: value for name, value in {**data, **changed}.items() if value is not None}


def test_tools_are_switched_and_limited(client, curator, tenant, other_tenant):
    page = client.get(TOOLS)
    data = posted(
        page, **{"calculate-enabled": None, "find_products-limit_ms": "1500", "find_products-per_minute": "30"}
    )
    assert "2 changed." in client.post(TOOLS, data, follow=True).content.decode()
    with tenant_scope(tenant.pk):
        rows = {row.name: (row.enabled, row.limit_ms, row.per_minute) for row in ToolSetting.objects.all()}
        assert rows == {"calculate": (False, None, None), "find_products": (True, 1500, 30)}
        assert AuditEvent.objects.filter(action="tool.adjusted", actor="cora").count() == 2
    assert "Nothing was changed." in client.post(TOOLS, posted(client.get(TOOLS)), follow=True).content.decode()
    with tenant_scope(other_tenant.pk):
        assert not ToolSetting.objects.exists()


@pytest.mark.parametrize("wrong", ["99", "30001", "-1", "many", "1e3"])
def test_what_is_no_limit_saves_nothing(client, curator, tenant, wrong):
    data = posted(client.get(TOOLS), **{"calculate-enabled": None, "find_products-limit_ms": wrong})
    page = client.post(TOOLS, data).content.decode()
    assert "Nothing was saved" in page
    with tenant_scope(tenant.pk):
        assert not ToolSetting.objects.exists()


def test_an_http_tool_is_made_and_its_secret_never_shown(client, curator, tenant):
    assert client.post(f"{HTTP}add/", values()).status_code == 302
    with tenant_scope(tenant.pk):
        row = HttpTool.objects.get()
        assert row.arguments == [
            {
                "name": "item",
                "type": "string",
                "where": "path",
                "required": True,
                "description": "Which item | with a bar",
            }
        ]
        assert (row.headers, row.secret) == ({"Authorization": "Bearer {secret}"}, "s3cret")
        assert "s3cret" not in row.sealed_secret
    page = client.get(change(row)).content.decode()
    assert "s3cret" not in page
    assert "item | string | path | required | Which item | with a bar" in page
    client.post(change(row), values(secret="", url="https://shop.example/left/{item}"))
    with tenant_scope(tenant.pk):
        row.refresh_from_db()
        assert (row.secret, row.url) == ("s3cret", "https://shop.example/left/{item}")
    client.post(change(row), values(secret="n3w"))
    with tenant_scope(tenant.pk):
        row.refresh_from_db()
        assert row.secret == "n3w"
    client.post(change(row), values(secret="", forget_secret="on", headers=""))
    with tenant_scope(tenant.pk):
        row.refresh_from_db()
        assert row.secret == ""
        told = str(list(AuditEvent.objects.filter(action__startswith="tool.").values_list("detail", flat=True)))
        assert "secret" in told
        assert "s3cret" not in told
        assert "n3w" not in told
    for url in (HTTP, TOOLS):
        assert "s3cret" not in client.get(url).content.decode()


def test_a_secret_that_cannot_be_read_is_asked_for_again(client, curator, tenant):
    client.post(f"{HTTP}add/", values())
    with tenant_scope(tenant.pk):
        HttpTool.objects.update(sealed_secret="sealed under another key")
        row = HttpTool.objects.get()
    for url in (HTTP, TOOLS, change(row)):
        assert client.get(url).status_code == 200
    page = client.post(change(row), values(secret=""))
    assert "Enter it again" in str(page.context["adminform"].form.errors["secret"])
    tried = client.post(change(row), {"_try": "1", "try-item": "a"}, follow=True)
    assert "entered again" in str(next(iter(tried.context["messages"])))
    assert client.post(change(row), values(secret="n3w")).status_code == 302
    with tenant_scope(tenant.pk):
        assert HttpTool.objects.get().secret == "n3w"
        HttpTool.objects.update(sealed_secret="sealed under another key")
    assert client.post(change(row), values(secret="", forget_secret="on", headers="")).status_code == 302
    with tenant_scope(tenant.pk):
        assert HttpTool.objects.get().secret == ""


@pytest.mark.parametrize(
    ("changed", "field", "problem"),
    [
        ({"name": "calculate"}, "name", "built-in"),
        ({"name": "has blank"}, "name", "slug"),
        ({"url": "ftp://shop.example/{item}"}, "url", "https://"),
        ({"url": "https:///{item}"}, "url", "https://"),
        ({"url": "https://{item}.example/{item}"}, "url", "as it is"),
        ({"url": "https://me:pw@shop.example/{item}"}, "url", "user name"),
        ({"url": "https://shop.example/{item}#x"}, "url", "plain"),
        ({"url": "https://shop.example/{item}?q=a b"}, "url", "plain"),
        ({"url": "https://127.0.0.1/{item}"}, "url", "public internet"),
        ({"url": "http://169.254.169.254/{item}"}, "url", "public internet"),
        ({"url": "http://[::1]/{item}"}, "url", "public internet"),
        ({"url": "http://localhost/{item}"}, "url", "public internet"),
        ({"url": "https://shop.example/{item}?key={secret}"}, "url", "belongs into a header"),
        ({"url": "https://shop.example/{item}/{other}"}, "url", "no argument other"),
        ({"url": "https://shop.example/{item}/{"}, "url", "partner"),
        ({"url": "https://shop.example/"}, "arguments", "needs the place"),
        ({"url": "https://shop.example:99999/{item}"}, "url", "no address"),
        ({"arguments": "item"}, "arguments", "Write name"),
        ({"arguments": "item | string | path | perhaps | Which"}, "arguments", "Write name"),
        ({"arguments": "item | text | path | required | Which"}, "arguments", "one of: string"),
        ({"arguments": "item | string | cookie | required | Which"}, "arguments", "one of: path"),
        ({"arguments": "item | string | path | optional | Which"}, "arguments", "must be required"),
        ({"arguments": "item | string | path | required | Which\nb | string | body | optional | B"}, "arguments", "GET request"),
        ({"arguments": "item | string | path | required | A\nitem | string | query | required | B"}, "arguments", "of its own"),
        ({"arguments": "item | string | path | required | A\nsecret | string | query | optional | B"}, "arguments", "cannot be the name"),
        ({"headers": "Bad Header: x"}, "headers", "cannot be the name"),
        ({"headers": "Host: other.example"}, "headers", "written by Askwell"),
        ({"headers": "X-A: {item}"}, "headers", "there is no {item}"),
        ({"headers": "X-A: gr\u00fcn"}, "headers", "plain text"),
        ({"secret": ""}, "headers", "there is none"),
        ({"secret": "a\tb"}, "secret", "plain text"),
        ({"kind": "change"}, "summary", "customer confirms"),
        ({"summary": "Book {day}"}, "summary", "no argument day"),
        ({"summary": "Book {item"}, "summary", "partner"),
        ({"summary": "Book {item.__class__}"}, "summary", "no argument"),
        ({"headers": "X-A: {customer}"}, "needs_customer", "tick this"),
        ({"limit_ms": "10"}, "limit_ms", "Between"),
    ],
)  # fmt: skip
def test_tools_that_could_go_astray_are_refused(client, curator, tenant, changed, field, problem):
    page = client.post(f"{HTTP}add/", values(**changed))
    assert page.status_code == 200
    assert problem in str(page.context["adminform"].form.errors.get(field))
    with tenant_scope(tenant.pk):
        assert not HttpTool.objects.exists()


def test_headers_cannot_be_injected():
    row = HttpTool(name="a", url="https://a.example/", arguments=[], headers={"X-A": "b\r\nX-B: c"}, limit_ms=500)
    assert "headers" in problems_of(row)
    row = HttpTool(name="a", url="https://a.example/\r\nX: y", arguments=[], headers={}, secret="a\r\nb", limit_ms=500)
    assert {"url", "secret"} <= set(problems_of(row))


def test_a_read_tool_is_tried(client, curator, tenant, site):
    site.page("/stock/L-RED", b'{"left": "3", "key": "s3cret"}')
    with tenant_scope(tenant.pk):
        arguments = [{"name": "item", "type": "string", "where": "path", "required": True, "description": EVIL}]
        row = HttpTool.objects.create(
            name="stock", description="x", url=site.url + "/stock/{item}", arguments=arguments, secret="s3cret"
        )
    page = client.get(change(row)).content.decode()
    assert 'name="try-item"' in page
    assert EVIL not in page
    told = client.post(change(row), {"_try": "1", "try-item": "L-RED"}, follow=True)
    assert [str(message) for message in told.context["messages"]] == ['{"result": {"left": "3", "key": "[secret]"}}']
    missing = client.post(change(row), {"_try": "1", "try-item": ""}, follow=True)
    assert "item is missing" in str(next(iter(missing.context["messages"])))
    with tenant_scope(tenant.pk):
        HttpTool.objects.update(kind="change", summary="Do it")
    assert 'name="try-item"' not in client.get(change(row)).content.decode()
    refused = client.post(change(row), {"_try": "1", "try-item": "L-RED"}, follow=True)
    assert "not tried" in str(next(iter(refused.context["messages"])))
    assert len(site.asked) == 1


def test_tools_are_deleted_in_the_open(client, curator, tenant):
    client.post(f"{HTTP}add/", values())
    with tenant_scope(tenant.pk):
        row = HttpTool.objects.get()
    client.post(reverse("admin:agents_httptool_delete", args=[row.pk]), {"post": "yes"})
    with tenant_scope(tenant.pk):
        assert not HttpTool.objects.exists()
        assert AuditEvent.objects.filter(action="tool.deleted", target="stock").exists()


def test_another_tenants_tool_is_not_there(client, curator, other_tenant):
    with tenant_scope(other_tenant.pk):
        row = HttpTool.objects.create(name="theirs", description="x", url="https://a.example/")
    for answer in (client.get(change(row)), client.post(change(row), {"_try": "1"})):
        assert answer.status_code == 302
        assert answer.headers["Location"] == "/admin/"


def test_calls_can_be_read_and_not_changed(client, curator, tenant):
    with tenant_scope(tenant.pk):
        call = ToolCall.objects.create(
            conversation=uuid.uuid4(), reply=uuid.uuid4(), position=1, name="stock", arguments={"a": EVIL}, result=EVIL
        )
    url = reverse("admin:agents_toolcall_change", args=[call.pk])
    for page in (client.get(CALLS).content.decode(), client.get(url).content.decode()):
        assert EVIL not in page
        assert "&lt;script&gt;" in page
    assert client.post(url, {"name": "other"}).status_code == 403
    assert client.get(f"{CALLS}add/").status_code == 403


def test_the_policy_is_one_row(client, curator, tenant):
    page = client.get(POLICY, follow=True)
    url = page.redirect_chain[-1][0]
    data = {
        "verification": "code",
        "attempts": "3",
        "action_minutes": "30",
        "approval_amount": "250.00",
        "daily_changes": "",
        "tool_rounds": "10",
    }
    assert client.post(url, data).status_code == 302
    with tenant_scope(tenant.pk):
        policy = AgentPolicy.objects.get()
        assert (policy.verification, policy.attempts, str(policy.approval_amount)) == ("code", 3, "250.00")
        assert (policy.daily_changes, policy.handover_when_unknown) == (None, False)
        assert AuditEvent.objects.filter(action="policy.edited").exists()
    client.get(POLICY, follow=True)
    with tenant_scope(tenant.pk):
        assert AgentPolicy.objects.count() == 1
    assert client.post(url, {**data, "attempts": "0"}).status_code == 200
