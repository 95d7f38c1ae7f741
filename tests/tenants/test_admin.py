"""The admin's pages about tenants, members, keys and the audit trail."""

import re

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from tenants.models import ApiKey, AuditEvent, Membership, RateTier, Role, Tenant
from tenants.scope import tenant_scope
from tenants.services import add_member, find_api_key
from tests.conftest import person

pytestmark = pytest.mark.django_db
OWNERS_PAGES = [
    "/admin/tenants/membership/",
    "/admin/tenants/apikey/",
    "/admin/tenants/auditevent/",
    "/admin/tenants/tenant/",
]


@pytest.fixture
def owner(client, alice):
    client.force_login(alice)
    return alice


@pytest.fixture
def operator(client, tenant):
    user = User.objects.create_superuser("olga", "olga@example.com", "a long enough password")
    client.force_login(user)
    return user


@pytest.mark.parametrize("url", OWNERS_PAGES)
def test_owners_alone_see_them(client, owner, tenant, url):
    assert client.get(url).status_code == 200
    client.force_login(person(tenant, "cora", Role.CURATOR))
    assert client.get(url).status_code == 403


@pytest.mark.parametrize(
    "url", ["/admin/auth/user/", "/admin/procrastinate/procrastinatejob/", "/admin/tenants/tenant/add/"]
)
def test_operators_alone_see_what_belongs_to_all(client, owner, url):
    assert client.get(url).status_code == 403


def test_operators_come_in_everywhere(client, operator, other_tenant):
    for url in [*OWNERS_PAGES, "/admin/", "/admin/auth/user/", "/admin/tenants/tenant/add/", "/admin/auth/user/add/"]:
        assert client.get(url).status_code == 200


def test_an_owner_sets_up_their_own_tenant_but_not_its_address(client, owner, tenant, other_tenant):
    mine, theirs = (reverse("admin:tenants_tenant_change", args=[t.pk]) for t in (tenant, other_tenant))
    data = {
        "name": "Acme Ltd",
        "slug": "stolen",
        "active": "",
        "language": "es",
        "suggestions": "Returns | How long? | May I return it?\n\nWhere is it?",
        "hue": 10,
        "chroma": 0.05,
    }
    assert client.post(mine, data).status_code == 302
    tenant.refresh_from_db()
    assert (tenant.name, tenant.slug, tenant.active, tenant.language) == ("Acme Ltd", "acme", True, "es")
    assert tenant.suggestions == [
        {"title": "Returns", "detail": "How long?", "question": "May I return it?"},
        {"title": "Where is it?", "detail": "", "question": "Where is it?"},
    ]
    assert "Returns | How long? | May I return it?" in client.get(mine).content.decode()
    broken = client.post(mine, {**data, "suggestions": "a | b | c | d"})
    assert "instead of" in str(broken.context["errors"])
    assert client.get(theirs).status_code == 302
    client.post(theirs, data)
    other_tenant.refresh_from_db()
    assert other_tenant.name == "Globex"
    with tenant_scope(tenant.pk):
        assert AuditEvent.objects.first().action == "tenant.edited"


def test_operators_make_tenants_and_nobody_deletes_one(client, operator, tenant):
    data = {
        "name": "Blue",
        "slug": "blue",
        "active": "on",
        "language": "en",
        "suggestions": "Returns | How long? | May I return it?\n\nWhere is it?",
        "hue": 1,
        "chroma": 0.01,
    }
    client.post("/admin/tenants/tenant/add/", data)
    blue = Tenant.objects.get(slug="blue")
    assert client.post(reverse("admin:tenants_tenant_delete", args=[blue.pk]), {"post": "yes"}).status_code == 403


TIERS = "/admin/tenants/ratetier/"


def test_operators_alone_edit_tiers_and_give_them_to_tenants(client, operator, tenant):
    free = f"{TIERS}free/change/"
    assert "1,000" in client.get(f"{TIERS}pro/change/").content.decode().replace("1000", "1,000")
    client.post(free, {"name": "Free", "turns_per_hour": "120", "address_turns_per_hour": ""})
    client.post(f"{TIERS}add/", {"name": "Big", "slug": "big", "turns_per_hour": "5000", "address_turns_per_hour": "0"})
    assert not RateTier.objects.filter(slug="big").exists()  # nobody could ask anything
    client.post(f"{TIERS}add/", {"name": "Big", "slug": "big", "turns_per_hour": "5000"})
    kept = {t.slug: (t.turns_per_hour, t.address_turns_per_hour) for t in RateTier.objects.all()}
    assert (kept["free"], kept["big"]) == ((120, None), (5000, None))
    with tenant_scope(tenant.pk):
        assert [e.action for e in AuditEvent.objects.all()[:2]] == ["tier.created", "tier.edited"]
    mine = reverse("admin:tenants_tenant_change", args=[tenant.pk])
    data = {"name": "Acme", "slug": "acme", "active": "on", "language": "en", "suggestions": "", "hue": 1, "chroma": 0}
    client.post(mine, {**data, "tier": "free"})
    tenant.refresh_from_db()
    assert tenant.tier_id == "free"
    client.post(mine, data)
    tenant.refresh_from_db()
    assert tenant.tier_id == "free"
    assert client.post(f"{TIERS}pro/delete/", {"post": "yes"}).status_code == 403  # that of new tenants
    client.post(f"{TIERS}free/delete/", {"post": "yes"})  # Acme has it
    client.post(f"{TIERS}big/delete/", {"post": "yes"})
    assert set(RateTier.objects.values_list("slug", flat=True)) == {"free", "pro", "unlimited"}


def test_an_owner_reads_the_tier_and_cannot_change_it(client, owner, tenant):
    mine = reverse("admin:tenants_tenant_change", args=[tenant.pk])
    page = client.get(mine).content.decode()
    assert "Pro: 1,000 turns an hour a customer, 500 an address" in page
    assert 'name="tier"' not in page
    data = {"name": "Acme", "tier": "unlimited", "language": "en", "suggestions": "", "hue": 1, "chroma": 0}
    assert client.post(mine, data).status_code == 302
    tenant.refresh_from_db()
    assert tenant.tier_id == "pro"
    for url in (TIERS, f"{TIERS}pro/change/", f"{TIERS}add/"):
        assert client.get(url).status_code == 403
        client.post(url, {"name": "Mine", "turns_per_hour": "9"})
    assert RateTier.objects.get(slug="pro").turns_per_hour == 1000


def test_outsiders_see_no_tiers(client, tenant, bob):
    assert client.get(TIERS).status_code == 302
    client.force_login(bob)
    assert client.get(TIERS).status_code in (302, 403)


def test_the_first_tenant_can_be_made_where_there_is_none(client, db):
    client.force_login(User.objects.create_superuser("olga", "olga@example.com", "a long enough password"))
    data = {
        "name": "Blue",
        "slug": "blue",
        "active": "on",
        "language": "en",
        "suggestions": "Returns | How long? | May I return it?\n\nWhere is it?",
        "hue": 1,
        "chroma": 0.01,
    }
    assert client.get("/admin/").status_code == 200
    assert client.post("/admin/tenants/tenant/add/", data).status_code == 302
    assert Tenant.objects.filter(slug="blue").exists()


def test_the_switch_changes_whose_rows_are_shown(client, operator, tenant, other_tenant):
    with tenant_scope(other_tenant.pk):
        add_member(user=person(None, "gil"), role=Role.CURATOR)
    assert "gil" not in client.get("/admin/tenants/membership/").content.decode()
    client.post("/admin/switch-tenant/", {"tenant": other_tenant.pk})
    page = client.get("/admin/tenants/membership/").content.decode()
    assert "gil" in page
    assert re.search(rf'<option value="{other_tenant.pk}" selected>Globex', page)


def test_nobody_switches_to_a_tenant_that_is_not_theirs(client, owner, other_tenant):
    assert client.get("/admin/switch-tenant/").status_code == 405
    client.post("/admin/switch-tenant/", {"tenant": other_tenant.pk})
    page = client.get("/admin/tenants/membership/").content.decode()
    assert "alice" in page
    assert "Globex" not in page


def test_a_key_is_shown_once(client, owner, tenant):
    response = client.post("/admin/tenants/apikey/add/", {"name": "robot"})
    text = re.search(r"<code>(ask_[\w-]+)</code>", response.content.decode())[1]
    assert "no-store" in response.headers["Cache-Control"]
    with tenant_scope(tenant.pk):
        assert find_api_key(text).name == "robot"
        key = ApiKey.objects.get()
    assert text not in client.get("/admin/tenants/apikey/").content.decode()
    client.post("/admin/tenants/apikey/", {"action": "revoke", "_selected_action": [key.pk]})
    with tenant_scope(tenant.pk):
        assert find_api_key(text) is None


def test_a_new_member_gets_an_account_with_a_password_shown_once(client, owner, tenant):
    response = client.post("/admin/tenants/membership/add/", {"email": "New@Example.com", "role": "curator"})
    password = re.search(r"<code>([\w-]+)</code>", response.content.decode())[1]
    assert client.login(username="new@example.com", password=password)
    with tenant_scope(tenant.pk):
        assert Membership.objects.filter(user__email="new@example.com", role="curator").exists()


def test_somebody_with_an_account_becomes_a_member_of_it(client, owner, tenant, charlie):
    for _ in range(2):
        assert (
            client.post("/admin/tenants/membership/add/", {"email": "CHARLIE@example.com", "role": "agent"}).status_code
            == 302
        )
    with tenant_scope(tenant.pk):
        assert Membership.objects.filter(user=charlie).count() == 1
    assert charlie.check_password("a long enough password")


def test_the_last_owner_stays(client, owner, tenant, bob):
    with tenant_scope(tenant.pk):
        mine, bobs = Membership.objects.get(user=owner), Membership.objects.get(user=bob)
    page = client.post(reverse("admin:tenants_membership_delete", args=[mine.pk]), {"post": "yes"})
    assert "needs an owner" in page.content.decode()
    client.post(
        "/admin/tenants/membership/",
        {"action": "delete_selected", "_selected_action": [mine.pk, bobs.pk], "post": "yes"},
    )
    with tenant_scope(tenant.pk):
        assert Membership.objects.count() == 2
    client.post(reverse("admin:tenants_membership_delete", args=[bobs.pk]), {"post": "yes"})
    with tenant_scope(tenant.pk):
        assert list(Membership.objects.all()) == [mine]
        assert AuditEvent.objects.first().action == "member.removed"


def test_the_audit_trail_can_be_read_and_not_changed(client, owner, tenant):
    with tenant_scope(tenant.pk):
        event = AuditEvent.objects.first()
    url = reverse("admin:tenants_auditevent_change", args=[event.pk])
    assert event.action in client.get(url).content.decode()
    assert client.post(url, {"actor": "nobody"}).status_code == 403
    assert client.get("/admin/tenants/auditevent/add/").status_code == 403
    assert client.post(reverse("admin:tenants_auditevent_delete", args=[event.pk]), {"post": "yes"}).status_code == 403


def test_signing_in_leads_back_but_never_elsewhere(client, owner):
    assert client.get("/admin/login/?next=/admin/tenants/apikey/").headers["Location"] == "/admin/tenants/apikey/"
    assert client.get("/admin/login/?next=https://evil.example/").headers["Location"] == "/admin/"
