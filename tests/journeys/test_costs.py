"""An owner looks at what language models cost, on any screen."""

import os
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import ROOT
from tests.journeys.rules import SIDEWAYS, WIDTHS, check

pytestmark = pytest.mark.browser

SPENT = """
import uuid
from decimal import Decimal
from agents.budgets import settle
from agents.models import Budget, ModelCall
from agents.usage import today
from tenants.models import Tenant
from tenants.scope import tenant_scope

with tenant_scope(Tenant.objects.get(slug="techpro").pk):
    for number in range(40):
        ModelCall.objects.create(
            provider="primary", model=f"a-model-with-a-rather-long-name-{number % 12}", prompt_tokens=1234567,
            completion_tokens=89012, cost=Decimal(number) / 7, intent=("order_status", "", "refund")[number % 3],
            customer=f"visitor {uuid.uuid4()}", reply=uuid.uuid4(), outcome=("ok", "status", "idle")[number % 3],
            status=503 if number % 3 == 1 else None, estimated=number % 2 == 0, priced=number % 5 > 0,
        )
    Budget.objects.get_or_create(period="day", defaults={"amount": 130})
    Budget.objects.get_or_create(period="month", defaults={"amount": 100})
    settle(holds=[], spent={today(): Decimal("111.43")})
"""


FORGOTTEN = """
from agents.models import Budget, ModelCall, Spending
from tenants.models import Tenant
from tenants.scope import tenant_scope

with tenant_scope(Tenant.objects.get(slug="techpro").pk):
    for model in (Budget, ModelCall, Spending):
        model.objects.all().delete()
"""


@pytest.fixture
def spent(site):
    """`spent()` makes a dear month; other journeys find none of it."""

    def run(code: str) -> None:
        environment = {**os.environ, "ASKWELL_DATA": str(site.data), "DJANGO_SETTINGS_MODULE": "project.settings"}
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=120)

    yield lambda: run(SPENT)
    run(FORGOTTEN)


def test_the_costs_on_any_screen(page, site, sign_in, spent):
    sign_in(page, "owner", "/techpro/costs/")
    assert check(page, f"{site.address}/techpro/costs/?month=2020-01", "main") == []
    expect(page.get_by_role("heading", name="Nothing was spent")).to_be_visible()
    spent()
    page.goto(f"{site.address}/techpro/costs/")
    expect(page.get_by_text("$111.43", exact=True).first).to_be_visible()
    expect(page.get_by_role("status")).to_have_count(2)
    assert check(page, f"{site.address}/techpro/costs/", "main") == []


def test_a_count_beside_the_inbox_pushes_nothing_off_the_page(page, site, sign_in):
    sign_in(page, "owner", "/techpro/costs/")
    for width, height in WIDTHS:
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{site.address}/techpro/costs/")
        page.evaluate("() => { const c = document.getElementById('inbox-count'); c.hidden = false; c.prepend('128'); }")
        assert page.evaluate(SIDEWAYS) == []
