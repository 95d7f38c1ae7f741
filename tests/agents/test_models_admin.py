# ruff: noqa: E501 - tables of cases stay on few lines
"""Language models in the admin: who may come, what is kept, what is refused, and what trying one tells."""

import socket
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from agents.llm import trial
from agents.llm.registry import OPENAI
from agents.llm.scripted_server import Script
from agents.models import Budget, Feature, LanguageModel, ModelCall
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tenants.secrets import seal, unseal
from tests.agents.llm.servers import EVENTS, Server, scripted
from tests.conftest import person

pytestmark = pytest.mark.django_db
MODELS = "/admin/agents/languagemodel/"
ADD = f"{MODELS}add/"
KEY = "sk-proj-Abc123Def456"
HTML = "<!doctype html><html><body><h1>Welcome to nginx!</h1></body></html>"


@pytest.fixture
def owner(client, alice):
    client.force_login(alice)
    return alice


@pytest.fixture
def operator(client, tenant):
    user = User.objects.create_superuser("oscar", "oscar@example.com", "a long enough password")
    client.force_login(user)
    return user


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


def values(**changed):
    """What the form sends."""
    fields = {
        "role": "primary",
        "position": "0",
        "model": "gpt-mini",
        "base_url": "https://models.example/v1",
        "key": KEY,
        "input_price": "0.40",
        "output_price": "1.60",
        "active": "on",
        **changed,
    }
    return {name: value for name, value in fields.items() if value is not None}


TRY = {"_try": "list"}


def change(row):
    return reverse("admin:agents_languagemodel_change", args=[row.pk])


def add(tenant, **given):
    with tenant_scope(tenant.pk):
        return LanguageModel.objects.create(**{"model": "gpt-mini", **given})


def the_row(tenant):
    with tenant_scope(tenant.pk):
        return LanguageModel.objects.get()


def told(answer):
    *_, last = answer.context["messages"]
    return last.level_tag, str(last)


## WHO MAY COME


def test_owners_and_operators_alone_come_in(client, tenant, owner, bob, charlie, other_tenant):
    row = add(tenant, model="ours")
    pages = (MODELS, ADD, change(row))
    for url in pages:
        assert client.get(url).status_code == 200
    client.force_login(User.objects.create_superuser("oscar", "o@example.com", "a long enough password"))
    session = client.session
    for url in pages[:2]:
        assert client.get(url).status_code == 200
    assert session is not None
    roles = (Role.CURATOR, Role.REVIEWER, Role.AGENT, Role.CUSTOMER)
    for number, role in enumerate(roles):
        client.force_login(person(tenant, f"member{number}", role))
        refused(client, row, pages)
    for outsider in (bob, charlie):
        client.force_login(outsider)
        refused(client, row, pages)


def refused(client, row, pages):
    for url in pages:
        assert client.get(url).status_code in (302, 403), url
        assert client.post(url, values()).status_code in (302, 403), url
        assert client.post(url, TRY).status_code in (302, 403), url
    with tenant_scope(row.tenant_id):
        assert LanguageModel.objects.get().model == "ours"
        assert not ModelCall.objects.exists()


def test_another_tenants_owner_sees_and_tries_nothing(client, tenant, other_tenant, server):
    row = add(tenant, model="ours", base_url=server.base_url, sealed_key=seal(KEY))
    client.force_login(person(other_tenant, "gina", Role.OWNER))
    assert "ours" not in client.get(MODELS).content.decode()
    for answer in (client.get(change(row)), client.post(change(row), values())):
        assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert told(client.post(change(row), TRY, follow=True)) == ("error", "This model is not there any more.")
    assert not server.asked
    assert the_row(tenant).model == "ours"


def test_trying_is_never_a_visit_to_an_address(client, owner, tenant, server):
    row = add(tenant, base_url=server.base_url)
    assert client.get(change(row), TRY).status_code == 200
    assert not server.asked


def test_the_sidebar_shows_it_to_owners(client, owner, tenant):
    assert MODELS in client.get("/admin/").content.decode()
    client.force_login(person(tenant, "cora", Role.CURATOR))
    assert MODELS not in client.get("/admin/").content.decode()


## WHAT IS KEPT


def test_a_model_is_kept_with_its_key_sealed(client, owner, tenant):
    assert client.post(ADD, values()).status_code == 302
    row = the_row(tenant)
    assert (row.role, row.model, row.base_url, row.active) == ("primary", "gpt-mini", "https://models.example/v1", True)
    assert (row.input_price, row.output_price, row.private) == (Decimal("0.4"), Decimal("1.6"), False)
    assert unseal(row.sealed_key) == KEY
    assert KEY not in row.sealed_key
    with tenant_scope(tenant.pk):
        event = AuditEvent.objects.get(action="model.added")
    assert (event.actor, event.target, event.detail["address"]) == ("alice", "gpt-mini", "https://models.example/v1")
    assert "key" in event.detail["fields"]
    assert KEY not in str(event.detail)


def test_a_key_is_never_shown_again_not_even_its_end(client, owner, tenant):
    client.post(ADD, values())
    for url in (MODELS, change(the_row(tenant))):
        page = client.get(url).content.decode()
        assert KEY not in page
        assert KEY[-4:] not in page
        assert "A key is kept" in page or ">kept<" in page.replace(" ", "").replace("\n", "")


def test_an_empty_key_keeps_the_one_there_is_another_takes_its_place_and_a_tick_removes_it(client, owner, tenant):
    client.post(ADD, values())
    row = the_row(tenant)
    client.post(change(row), values(key="", model="gpt-big"))
    assert (the_row(tenant).model, unseal(the_row(tenant).sealed_key)) == ("gpt-big", KEY)
    client.post(change(row), values(key="sk-other"))
    assert unseal(the_row(tenant).sealed_key) == "sk-other"
    client.post(change(row), values(key="", forget_key="on"))
    assert the_row(tenant).sealed_key == ""
    with tenant_scope(tenant.pk):
        trail = str(list(AuditEvent.objects.values_list("action", "detail")))
    assert "forget_key" in trail
    assert KEY not in trail
    assert "sk-other" not in trail


def test_a_key_of_another_secret_key_is_asked_for_again(client, owner, tenant, settings, server):
    row = add(tenant, base_url=server.base_url, sealed_key=seal(KEY))
    with tenant_scope(tenant.pk):
        LanguageModel.objects.update(sealed_key=seal(KEY)[:-6] + "AAAAA=")
    assert "enter it again" in client.get(MODELS).content.decode()
    assert "Enter it again." in client.get(change(row)).content.decode()
    assert "Enter it again." in told(client.post(change(row), TRY, follow=True))[1]
    assert not server.asked
    client.post(change(row), values(base_url=server.base_url))
    assert unseal(the_row(tenant).sealed_key) == KEY


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({"base_url": ""}, {"base_url": ""}),
        ({"base_url": " https://models.example/v1/ "}, {"base_url": "https://models.example/v1"}),
        ({"base_url": "https://models.example/v1/chat/completions"}, {"base_url": "https://models.example/v1"}),
        ({"model": " org/model:7b "}, {"model": "org/model:7b"}),
        ({"input_price": "0", "output_price": "0"}, {"input_price": 0, "output_price": 0}),
        ({"input_price": "", "output_price": ""}, {"input_price": None, "output_price": None}),
        ({"position": ""}, {"position": 0}),
        ({"key": ""}, {"sealed_key": ""}),
        ({"role": "fallback", "position": "3"}, {"role": "fallback", "position": 3}),
    ],
)
def test_what_is_accepted(client, owner, tenant, changed, kept):
    assert client.post(ADD, values(**changed)).status_code == 302
    row = the_row(tenant)
    assert {name: getattr(row, name) for name in kept} == kept


@pytest.mark.parametrize(
    ("changed", "field", "problem"),
    [
        ({"base_url": "models.example/v1"}, "base_url", "https:// or http://"),
        ({"base_url": "ftp://models.example"}, "base_url", "https:// or http://"),
        ({"base_url": "https://"}, "base_url", "https:// or http://"),
        ({"base_url": "https://models.example:99999/v1"}, "base_url", "no address"),
        ({"base_url": "https://me:pw@models.example/v1"}, "base_url", "field of its own"),
        ({"base_url": f"https://models.example/v1?key={KEY}"}, "base_url", "field of its own"),
        ({"base_url": "https://modèles.example/v1"}, "base_url", "no accents"),
        ({"model": " "}, "model", "required"),
        ({"role": "embedding"}, "role", "valid choice"),
        ({"input_price": "-0.01"}, "input_price", "greater than or equal to 0"),
        ({"output_price": "-1"}, "output_price", "greater than or equal to 0"),
        ({"output_price": "cheap"}, "output_price", "number"),
        ({"output_price": "NaN"}, "output_price", "number"),
        ({"output_price": "10000000"}, "output_price", "digits"),
        ({"key": "two words"}, "key", "one word"),
        ({"key": "schlüssel"}, "key", "one word"),
        ({"key": "x" * 501}, "key", "500"),
        ({"position": "-1"}, "position", "0"),
    ],
)
def test_what_is_refused_says_why_and_saves_nothing(client, owner, tenant, changed, field, problem):
    page = client.post(ADD, values(**changed))
    assert page.status_code == 200
    assert problem in str(page.context["adminform"].form.errors.get(field))
    assert KEY not in str(page.context["adminform"].form.errors)
    with tenant_scope(tenant.pk):
        assert not LanguageModel.objects.exists()


def test_one_primary_and_one_strong_model_are_in_use(client, owner, tenant):
    row = add(tenant, model="first")
    page = client.post(ADD, values())
    assert "first has this role" in str(page.context["adminform"].form.errors["role"])
    assert client.post(ADD, values(active=None)).status_code == 302
    assert client.post(ADD, values(role="strong")).status_code == 302
    assert client.post(ADD, values(role="fallback")).status_code == 302
    assert client.post(ADD, values(role="fallback")).status_code == 302
    assert client.post(change(row), values(key="")).status_code == 302


INSIDE = ["http://127.0.0.1:11434/v1", "http://localhost:11434/v1", "http://[::1]:8080/v1", "http://10.0.0.5/v1", "http://169.254.169.254/v1", "http://ollama:11434/v1", "http://llm.internal/v1", "http://[::ffff:127.0.0.1]/v1"]  # fmt: skip


@pytest.mark.parametrize("url", INSIDE)
def test_owners_do_not_look_around_inside_the_network(client, owner, tenant, settings, url):
    settings.ASKWELL_PRIVATE_MODELS = False
    page = client.post(ADD, values(base_url=url))
    assert "inside the network" in str(page.context["adminform"].form.errors["base_url"])
    settings.ASKWELL_PRIVATE_MODELS = True
    assert client.post(ADD, values(base_url=url)).status_code == 302


def test_an_operator_names_a_server_inside_and_owners_may_change_all_but_its_address(
    client, operator, tenant, alice, settings
):
    settings.ASKWELL_PRIVATE_MODELS = False
    url = INSIDE[0]
    assert client.post(ADD, values(base_url=url)).status_code == 302
    row = the_row(tenant)
    assert row.private
    client.force_login(alice)
    assert client.post(change(row), values(base_url=url, model="llama", key="")).status_code == 302
    assert (the_row(tenant).model, the_row(tenant).private) == ("llama", True)
    assert client.post(change(row), values(base_url=INSIDE[1])).status_code == 200
    assert client.post(change(row), values(base_url="https://models.example/v1")).status_code == 302
    assert not the_row(tenant).private


def test_models_are_deleted_in_the_open(client, owner, tenant):
    row = add(tenant)
    client.post(reverse("admin:agents_languagemodel_delete", args=[row.pk]), {"post": "yes"})
    with tenant_scope(tenant.pk):
        assert not LanguageModel.objects.exists()
        assert AuditEvent.objects.filter(action="model.deleted", target="gpt-mini").exists()


def test_the_empty_list_says_what_answers_now(client, owner, settings):
    from dataclasses import replace

    nothing = dict.fromkeys(("openai_api_key", "openai_base_url", "fallback_api_key", "fallback_base_url"), "")
    settings.ASKWELL = replace(settings.ASKWELL, **nothing)
    assert "quotes from your documents" in client.get(MODELS).content.decode()
    settings.ASKWELL = replace(settings.ASKWELL, openai_api_key=KEY, chat_model="gpt-env")
    page = client.get(MODELS).content.decode()
    assert "gpt-env" in page
    assert KEY not in page


## TRYING


@pytest.mark.django_db(transaction=True)
def test_trying_tells_the_words_the_times_the_tokens_and_the_cost_and_is_counted(client, owner, tenant):
    with scripted(Script.parse('{"otherwise": "Hello, I am the model."}')) as server:
        row = add(
            tenant, base_url=server.base_url, sealed_key=seal(KEY), input_price=Decimal(2), output_price=Decimal(8)
        )
        level, text = told(client.post(change(row), TRY, follow=True))
        (request,) = server.requests
    assert level == "success"
    assert "“Hello, I am the model.” First word after " in text
    assert request["model"] == "gpt-mini"
    with tenant_scope(tenant.pk):
        call = ModelCall.objects.get()
    assert (call.feature, call.outcome) == (Feature.TRIAL, "ok")
    assert (
        f"{call.prompt_tokens} tokens read, {call.completion_tokens} written; {call.cost.normalize():f} US dollars."
        in text
    )
    assert call.cost == (2 * call.prompt_tokens + 8 * call.completion_tokens) / Decimal(1_000_000)


@pytest.mark.django_db(transaction=True)
def test_trying_stops_at_the_budget(client, owner, tenant, server):
    row = add(tenant, base_url=server.base_url, input_price=Decimal(2), output_price=Decimal(8))
    with tenant_scope(tenant.pk):
        Budget.objects.create(period="day", amount=0)
    level, text = told(client.post(change(row), TRY, follow=True))
    assert (level, "budget" in text) == ("error", True)
    assert not server.asked


@pytest.mark.parametrize(
    ("prices", "cost"),
    [((None, None), "what it cost is unknown without prices."), ((Decimal(0), Decimal(0)), "; free.")],
)
def test_what_costs_nothing_and_what_nobody_knows(client, owner, tenant, server, prices, cost):
    server.says("Hello.", {"prompt_tokens": 10, "completion_tokens": 2})
    row = add(tenant, base_url=server.base_url, input_price=prices[0], output_price=prices[1])
    assert told(client.post(change(row), TRY, follow=True))[1].endswith(cost)


def test_a_key_goes_to_its_server_alone_and_is_not_repeated(client, owner, tenant, server):
    row = add(tenant, base_url=server.base_url, sealed_key=seal(KEY))
    server.says(f"My key is {KEY} .")
    level, text = told(client.post(change(row), {"_try": "form"}, follow=True))
    assert server.asked[0][1]["authorization"] == f"Bearer {KEY}"
    assert (level, KEY in text, "My key is [key]" in text) == ("success", False, True)


ERROR_401 = {
    "error": {
        "message": f"Incorrect API key provided: {KEY}. You can find it at example.com.",
        "code": "invalid_api_key",
    }
}
NO_MODEL = {
    "error": {
        "message": "The model `gpt-mini` does not exist or you do not have access to it.",
        "code": "model_not_found",
    }
}


@pytest.mark.parametrize(
    ("status", "kind", "body", "says"),
    [
        (
            401,
            "application/json",
            ERROR_401,
            "refuses the key. Enter the right one. (Status 401: “Incorrect API key provided: [key]",
        ),
        (403, "application/json", {"detail": "Forbidden"}, "may not use this model"),
        (404, "application/json", NO_MODEL, "has no model called “gpt-mini”"),
        (
            400,
            "application/json",
            {"error": {"message": "model 'gpt-mini' not found, try pulling it first"}},
            "has no model called “gpt-mini”",
        ),
        (404, "application/json", {"error": 'model "gpt-mini" not found'}, "has no model called"),
        (
            400,
            "application/json",
            {"error": {"message": "this model takes no temperature"}},
            "refuses the request. (Status 400: “this model takes no temperature”)",
        ),
        (404, "text/plain", "404 page not found", "no chat service at this address. Check the address"),
        (404, "text/html", HTML, "no chat service at this address"),
        (405, "text/html", HTML, "no chat service at this address"),
        (
            402,
            "application/json",
            {"error": {"message": "Insufficient balance"}},
            "credit with this provider is used up",
        ),
        (
            429,
            "application/json",
            {"error": {"message": "Rate limit reached"}},
            "a limit, or the credit, is used up. (Status 429: “Rate limit reached”)",
        ),
        (500, "text/html", HTML, "The server failed. Try again later."),
        (200, "text/html; charset=utf-8", HTML, "There is a web page at this address, not a model."),
        (200, "application/json", {"hello": 1}, "Check that it speaks OpenAI's protocol"),
        (200, EVENTS, "data: [DONE]\n\n", "answered without a word"),
        (200, EVENTS, "", "answered without a word"),
        (200, EVENTS, HTML, "answered without a word"),
        (200, EVENTS, "data: {broken\n\n", "not in OpenAI's form"),
        (200, EVENTS, f'data: {{"error": {{"message": "key {KEY} is out of credit"}}}}\n\n', "out of credit"),
    ],
)
def test_what_goes_wrong_is_told_in_plain_words(client, owner, tenant, server, status, kind, body, says):
    row = add(tenant, base_url=server.base_url, sealed_key=seal(KEY))
    server.answers(body, status=status, kind=kind)
    level, text = told(client.post(change(row), TRY, follow=True))
    assert level == "error"
    assert says in text
    assert KEY not in text
    assert "Traceback" not in text


def test_a_missing_key_is_asked_for(client, owner, tenant, server):
    row = add(tenant, base_url=server.base_url)
    server.answers({"error": {"message": "Missing key"}}, status=401)
    assert "asks for a key" in told(client.post(change(row), TRY, follow=True))[1]


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"prompt_tokens": -5, "completion_tokens": -1},
        {"prompt_tokens": "many"},
        {"prompt_tokens": 10**9, "completion_tokens": 10**9},
    ],
)
def test_counts_that_cannot_be_are_estimated(client, owner, tenant, server, usage):
    server.says("Hello there.", usage)
    row = add(tenant, base_url=server.base_url, input_price=Decimal(1), output_price=Decimal(1))
    level, text = told(client.post(change(row), TRY, follow=True))
    assert level == "success"
    assert "estimated" in text
    assert " -" not in text.partition("ms;")[2]


def test_an_answer_without_an_end_is_told_so(client, owner, tenant, server):
    server.answers('data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\n\n', kind=EVENTS)
    level, text = told(client.post(change(add(tenant, base_url=server.base_url)), TRY, follow=True))
    assert (level, "broke off before its end" in text) == ("warning", True)


def test_an_answer_without_measure_is_cut(client, owner, tenant, server):
    server.says("word " * 5000)
    level, text = told(client.post(change(add(tenant, base_url=server.base_url)), TRY, follow=True))
    assert level == "warning"
    assert len(text) < 800


def test_markup_in_an_answer_stays_text(client, owner, tenant, server):
    server.says("<script>alert(1)</script>")
    page = client.post(change(add(tenant, base_url=server.base_url)), TRY, follow=True).content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("profile", ["hang", "stall"])
def test_silence_is_not_waited_for(client, owner, tenant, monkeypatch, profile):
    monkeypatch.setattr(trial, "LIMIT", 0.6)
    with scripted(Script.parse('{"otherwise": "Hello there, who is it?", "profile": "%s"}' % profile)) as server:  # noqa: UP031 (braces)
        text = told(client.post(change(add(tenant, base_url=server.base_url)), TRY, follow=True))[1]
    assert "no word came in time" in text or "broke off before its end" in text


def test_nobody_listens(client, owner, tenant):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        assert (
            "No server listens at this address"
            in told(client.post(change(add(tenant, base_url=url)), TRY, follow=True))[1]
        )


def test_tls_to_a_server_that_has_none(client, owner, tenant, server):
    url = server.base_url.replace("http://", "https://")
    assert "does not speak TLS" in told(client.post(change(add(tenant, base_url=url)), TRY, follow=True))[1]


def test_a_name_that_nobody_knows(client, owner, tenant, settings):
    settings.ASKWELL_PRIVATE_MODELS = True
    row = add(tenant, base_url="http://no-such-server.invalid/v1")
    assert "There is no server of this name" in told(client.post(change(row), TRY, follow=True))[1]
    settings.ASKWELL_PRIVATE_MODELS = False
    assert "There is no server of this name" in told(client.post(change(row), TRY, follow=True))[1]


def test_a_row_that_leads_inside_reaches_nothing(client, owner, tenant, settings, server):
    settings.ASKWELL_PRIVATE_MODELS = False
    row = add(tenant, base_url=server.base_url)
    assert "not on the public internet" in told(client.post(change(row), TRY, follow=True))[1]
    assert not server.asked
    with tenant_scope(tenant.pk):
        LanguageModel.objects.update(private=True)
    server.says("Hello.")
    assert "“Hello.”" in told(client.post(change(row), TRY, follow=True))[1]


def test_an_empty_address_is_openai(client, owner, tenant):
    add(tenant)
    assert OPENAI in client.get(MODELS).content.decode()


def test_a_model_describes_pictures_only_where_that_is_ticked(client, tenant, owner):
    client.post(ADD, values())
    client.post(ADD, values(role="strong", describes_pictures="on"))
    with tenant_scope(tenant.pk):
        assert dict(LanguageModel.objects.values_list("role", "describes_pictures")) == {
            "primary": False,
            "strong": True,
        }
