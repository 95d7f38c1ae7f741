"""The cost page: owners see what models cost, to the cent; nobody else sees anything."""

import csv
import datetime as dt
import io
import uuid
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone

from agents import budgets
from agents.models import AnswerPolicy, Budget, BudgetHold, CacheHit, LanguageModel, ModelCall, Spending
from chat import notifications
from chat.erasure import erase_customer
from chat.models import Conversation
from tenants.models import AuditEvent
from tenants.models import Role as MemberRole
from tenants.scope import tenant_scope
from tenants.services import add_member

PAGE = "/acme/costs/"


@pytest.fixture(autouse=True)
def nothing_remembered():
    budgets._levels.clear()


@pytest.fixture
def owner(alice) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def asked(tenant, cost="0.01", *, at=None, **columns):
    with tenant_scope(tenant.pk):
        values = {"provider": "primary", "model": "small", "prompt_tokens": 100, "completion_tokens": 10, **columns}
        call = ModelCall.objects.create(cost=Decimal(cost), **{"reply": uuid.uuid4(), **values})
        if at:
            ModelCall.objects.filter(pk=call.pk).update(created_at=at)
    return call


def shown(client, address=PAGE) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


# ----- who may -----


@pytest.mark.parametrize("path", [PAGE, PAGE + "costs.csv"])
@pytest.mark.parametrize(("who", "status"), [("alice", 200), ("bob", 404), ("charlie", 404)])
def test_owners_alone_see_costs(request, tenant, who, status, path):
    client = Client()
    client.force_login(request.getfixturevalue(who))
    assert client.get(path).status_code == status


@pytest.mark.parametrize("role", [MemberRole.CURATOR, MemberRole.REVIEWER, MemberRole.AGENT])
def test_other_staff_do_not(tenant, charlie, role):
    with tenant_scope(tenant.pk):
        add_member(user=charlie, role=role)
    client = Client()
    client.force_login(charlie)
    assert client.get(PAGE).status_code == 404
    assert PAGE not in client.get("/acme/").content.decode()


def test_operators_do(tenant, charlie):
    User.objects.filter(pk=charlie.pk).update(is_superuser=True)
    client = Client()
    client.force_login(User.objects.get(pk=charlie.pk))
    assert client.get(PAGE).status_code == 200


def test_visitors_are_asked_to_sign_in(tenant):
    assert Client().get(PAGE).headers["Location"] == f"/accounts/sign-in/?next={PAGE}"


@pytest.mark.parametrize("path", ["/acme/", "/acme/review/", "/acme/inbox/"])
def test_owners_find_it(owner, path):
    assert f'href="{PAGE}"' in shown(owner, path)


def test_another_tenants_costs_are_its_own(tenant, other_tenant, owner):
    asked(other_tenant, "5")
    assert "Nothing was spent" in shown(owner)


# ----- what it shows -----


def test_a_month_adds_up(tenant, owner):
    asked(tenant, "1.006", intent="order_status", customer="visitor 123456789", feature="answer")
    asked(tenant, "0.50", model="large", provider="strong", intent="", feature="rewrite", estimated=True)
    asked(tenant, "0", model="local", priced=False, outcome="status", status=503)
    asked(tenant, "70", at=timezone.now() - dt.timedelta(days=62))
    page = shown(owner)
    for text in (
        "$1.51", "3 requests for 3 replies", "300<small>read</small>", "30 written; 1 request estimated",
        "Order status", "Not known", "large", "Reading follow-ups", "Visitor 12345678", "status 503",
        "1 request went to models without prices and counts as nothing",
    ):  # fmt: skip
        assert text in page, text
    assert "$70" not in page


def test_every_day_up_to_today_has_a_line(tenant, owner):
    asked(tenant, "2")
    today = timezone.now().date()
    page = shown(owner)
    assert page.count(f'<th scope="row" class="num">{today:%Y-%m}-') == today.day
    assert f"{today.isoformat()}</th>" in page


def test_another_month(tenant, owner):
    before = timezone.now().replace(day=1) - dt.timedelta(days=3)
    asked(tenant, "3.21", at=before)
    page = shown(owner, f"{PAGE}?month={before:%Y-%m}")
    assert "$3.21" in page
    assert f'<option value="{before:%Y-%m}" selected>' in page


@pytest.mark.parametrize("month", ["", "2026", "2026-13", "0000-01", "0001-01", "9999-12", "x" * 500, "2026-11-01"])
def test_a_month_that_cannot_be_is_this_one_or_empty(tenant, owner, month):
    assert "Costs" in shown(owner, f"{PAGE}?month={month}")
    assert owner.get(f"{PAGE}costs.csv?month={month}").status_code == 200


def test_customers_by_their_names(tenant, owner, bob):
    asked(tenant, "3", customer=f"user {bob.pk}")
    asked(tenant, "2", customer="user 999999")
    for number in range(11):
        asked(tenant, "0.10", customer=f"visitor {number}")
    page = shown(owner)
    assert ">bob<" in page
    assert "user 999999" in page
    assert "All others" in page
    assert "3 requests, 300 + 30 tokens" in page


def test_savings_of_the_cache_and_of_routing(tenant, owner):
    asked(tenant, "0.01", prompt_tokens=1_000_000, completion_tokens=500_000)
    with tenant_scope(tenant.pk):
        CacheHit.objects.create(reply=uuid.uuid4(), question="?", similarity=1, saved=Decimal("0.75"))
        CacheHit.objects.create(reply=uuid.uuid4(), question="?", similarity=1, saved=Decimal("0.50"))
        for role, prices in (("primary", (0, 0)), ("strong", (2, 8))):
            LanguageModel.objects.create(role=role, model=role, input_price=prices[0], output_price=prices[1])
    page = shown(owner)
    assert "$1.25" in page
    assert "$5.99" in page
    with tenant_scope(tenant.pk):
        AnswerPolicy.objects.create(routing="off")
    assert "$5.99" not in shown(owner)


@pytest.mark.parametrize(
    ("spent", "says"),
    [("1", None), ("8.5", "warning mark"), ("9.6", "Only the primary model"), ("10", "quotes of the documents")],
)
def test_budgets_and_their_levels(tenant, owner, spent, says):
    with tenant_scope(tenant.pk):
        Budget.objects.create(period="day", amount=10)
        Spending.objects.create(day=timezone.now().date(), amount=Decimal(spent))
        BudgetHold.objects.create(amount=Decimal("0.25"), expires_at=timezone.now() + dt.timedelta(minutes=1))
    page = shown(owner)
    assert "of $10.00, $0.2500 set aside" in page
    assert ("Today: " in page) is (says is not None)
    assert says is None or says in page


def test_the_table_adds_up_exactly_and_starts_no_formula(tenant, owner):
    asked(tenant, "0.0000000001", intent="=1+1")
    asked(tenant, "0.0000000002", intent="=1+1")
    asked(tenant, "12.3400000000", outcome="stopped")
    response = owner.get(PAGE + "costs.csv")
    assert response["Content-Disposition"] == f'attachment; filename="costs-acme-{timezone.now():%Y-%m}.csv"'
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert sum(Decimal(row["cost_usd"]) for row in rows) == Decimal("12.3400000003")
    assert {row["intent"] for row in rows} == {"", "'=1+1"}
    assert sum(int(row["requests"]) for row in rows) == 3


def test_the_page_costs_the_same_queries_however_much_was_asked(tenant, owner, django_assert_max_num_queries):
    for number in range(30):
        asked(tenant, "1", customer=f"visitor {number}", model=f"m{number}", intent=f"i{number}")
    with django_assert_max_num_queries(40):
        shown(owner)


# ----- owners are told -----


def test_owners_get_mail_when_the_mark_is_passed(tenant, alice, bob, mailoutbox):
    with tenant_scope(tenant.pk):
        Budget.objects.create(period="month", amount=10)
        budgets.settle(holds=[], spent={timezone.now().date(): Decimal(8)})
        budget = Budget.objects.get()
    notifications.notify_budget(tenant.pk, budget.pk, "8")
    assert [message.to for message in mailoutbox] == [["alice@example.com"]]
    assert "$8.00 this month, of a budget of $10.00" in mail.outbox[0].body
    assert "/acme/costs/" in mail.outbox[0].body
    notifications.notify_budget(tenant.pk, budget.pk + 1, "8")
    assert len(mailoutbox) == 1


def test_the_mark_asks_a_worker_to_write(tenant, alice):
    from procrastinate.contrib.django.models import ProcrastinateJob

    with tenant_scope(tenant.pk):
        Budget.objects.create(period="day", amount=10)
        for _ in range(2):
            budgets.settle(holds=[], spent={timezone.now().date(): Decimal(8)})
    assert ProcrastinateJob.objects.filter(task_name="chat.notify_budget", args__tenant_id=tenant.pk).count() == 1


# ----- erasure -----


def test_an_erased_customer_is_in_no_account(tenant, alice, bob):
    with tenant_scope(tenant.pk):
        conversation = Conversation.objects.create(user=bob, updated_at=timezone.now())
    asked(tenant, "1", customer=f"user {bob.pk}", conversation=conversation.pk)
    asked(tenant, "1", customer=f"user {bob.pk}0")
    with tenant_scope(tenant.pk):
        assert erase_customer(email="bob@example.com", actor="command")["modelcall"] == 1
        gone, kept = ModelCall.objects.order_by("pk")
        assert (gone.customer, gone.conversation, gone.reply, gone.cost) == ("", None, None, 1)
        assert kept.customer == f"user {bob.pk}0"


# ----- the admin -----


def test_budgets_in_the_admin(tenant, owner):
    response = owner.post(
        "/admin/agents/budget/add/",
        {"period": "day", "amount": "10", "warn_percent": "80", "degrade_percent": "95"},
    )
    assert response.status_code == 302
    again = owner.post(
        "/admin/agents/budget/add/",
        {"period": "day", "amount": "12", "warn_percent": "80", "degrade_percent": "95"},
    )
    assert again.status_code == 200
    with tenant_scope(tenant.pk):
        budget = Budget.objects.get()
        assert AuditEvent.objects.filter(action="budget.edited", actor="alice").count() == 1
        Spending.objects.create(day=timezone.now().date(), amount=10)
    page = shown(owner, "/admin/agents/budget/")
    assert "$10.0000" in page
    assert "A budget is spent" in page
    assert owner.post(f"/admin/agents/budget/{budget.pk}/delete/", {"post": "yes"}).status_code == 302
    with tenant_scope(tenant.pk):
        assert not Budget.objects.exists()
        assert AuditEvent.objects.filter(action="budget.removed").count() == 1


@pytest.mark.parametrize("amount", ["-1", "nan", "1e12", ""])
def test_a_budget_that_cannot_be_is_refused(tenant, owner, amount):
    fields = {"period": "day", "amount": amount, "warn_percent": "80", "degrade_percent": "95"}
    assert owner.post("/admin/agents/budget/add/", fields).status_code == 200
    with tenant_scope(tenant.pk):
        assert not Budget.objects.exists()


def test_requests_in_the_admin(tenant, owner):
    call = asked(tenant, "0.000123", estimated=True, outcome="idle", first_ms=120.0, total_ms=2500.0)
    asked(tenant, priced=False)
    page = shown(owner, "/admin/agents/modelcall/")
    for text in ("about 100 + 10", "$0.000123", "no price", "idle", "120 ms", "2,500 ms"):
        assert text in page, text
    assert "idle" in shown(owner, f"/admin/agents/modelcall/{call.pk}/change/")
    assert "no price" not in shown(owner, "/admin/agents/modelcall/?outcome__exact=idle")


@pytest.mark.parametrize("path", ["budget", "modelcall"])
def test_curators_see_no_money_in_the_admin(tenant, charlie, path):
    with tenant_scope(tenant.pk):
        add_member(user=charlie, role=MemberRole.CURATOR)
    client = Client()
    client.force_login(charlie)
    assert client.get(f"/admin/agents/{path}/").status_code == 403
