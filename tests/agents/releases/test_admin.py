"""The pages of the gate and of releases: who may come, what they show, what they do."""

import pytest

from agents.prompts import FILES, versions
from knowledge.models import DocumentVersion, EvaluationCase, EvaluationSet, Release, ReleaseGate
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tests.agents.releases.conftest import run_check
from tests.conftest import person

pytestmark = pytest.mark.django_db
GATE, LIST = "/admin/knowledge/releasegate/", "/admin/knowledge/release/"


@pytest.fixture
def held(shop, gate, put):
    return put(returns="Nothing of interest.")


def page_of(release):
    return f"{LIST}{release.pk}/change/"


def test_who_may_see_what(client, shop, held, alice, bob, charlie):
    people = [(alice, 200, 200), (person(shop, "cora", Role.CURATOR), 403, 200)]
    people += [(person(shop, "rita", Role.REVIEWER), 403, 403), (person(shop, "ada", Role.AGENT), 403, 403)]
    people += [(bob, 403, 403), (charlie, 403, 403)]
    for user, gate_status, release_status in people:
        client.force_login(user)
        assert client.get(GATE, follow=True).status_code == gate_status
        assert client.get(LIST, follow=True).status_code == release_status
        assert client.get(page_of(held), follow=True).status_code == release_status


def test_only_an_owner_releases_anyway(client, shop, held, alice):
    client.force_login(person(shop, "cora", Role.CURATOR))
    assert "Release anyway" not in client.get(page_of(held)).content.decode()
    assert client.post(page_of(held), {"_release": "1"}).status_code == 403
    client.force_login(person(shop, "rita", Role.REVIEWER))
    assert client.post(page_of(held), {"_release": "1"}, follow=True).status_code == 403
    client.force_login(alice)
    page = client.get(page_of(held)).content.decode()
    assert "Recall@1 fell from 1 to .667" in page
    assert "How many days to return an item?" in page
    assert "It is live now." in client.post(page_of(held), {"_release": "1"}, follow=True).content.decode()
    assert "decided in the meantime" in client.post(page_of(held), {"_withdraw": "1"}, follow=True).content.decode()
    with tenant_scope(shop.pk):
        assert AuditEvent.objects.filter(action="release.live", actor="alice").exists()


def test_the_page_follows_the_check_and_says_when_it_begins_anew(client, shop, held):
    client.force_login(person(shop, "cora", Role.CURATOR))
    client.post(page_of(held), {"_again": "1"})
    page = client.get(page_of(held)).content.decode()
    assert "Waiting for its turn" in page
    assert 'hx-trigger="every 3s"' in page
    assert "Questions that got worse" not in page  # of the check before
    with tenant_scope(shop.pk):
        Release.objects.update(rounds=2)
    followed = client.get(page_of(held), headers={"HX-Request": "true"})
    assert 'this is time <span class="num">2</span> of at most' in followed.content.decode()
    assert "HX-Refresh" not in followed.headers
    assert run_check(shop, held).state == "held"
    assert client.get(page_of(held), headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert "See both runs, question by question" in client.get(page_of(held)).content.decode()


def test_a_curator_withdraws_or_has_it_checked_again(client, shop, held):
    client.force_login(person(shop, "cora", Role.CURATOR))
    assert "checked again" in client.post(page_of(held), {"_again": "1"}, follow=True).content.decode()
    assert "being asked" in client.get(page_of(held)).content.decode()
    assert "withdrawn" in client.post(page_of(held), {"_withdraw": "1"}, follow=True).content.decode()
    with tenant_scope(shop.pk):
        held.refresh_from_db()
        assert held.state == "withdrawn"


def test_documents_that_wait_are_shown_so(client, shop, held, alice):
    client.force_login(alice)
    page = client.get("/admin/knowledge/document/?is=held").content.decode()
    assert "See its release" in page
    assert "The version before stays live" in page
    assert "held back" in client.get("/admin/").content.decode()


def test_a_release_of_another_tenant_is_none(client, other_tenant, held):
    client.force_login(person(other_tenant, "olga", Role.OWNER))
    assert client.get(page_of(held)).status_code == 302
    assert client.post(page_of(held), {"_release": "1"}).status_code == 403
    with tenant_scope(held.tenant_id):
        held.refresh_from_db()
    assert held.state == "held"


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"enabled": "on", "set": "", "tolerance": ".02"}, "Choose the questions to ask"),
        ({"enabled": "on", "set": "empty", "tolerance": ".02"}, "This set is empty"),
        ({"enabled": "on", "set": "full", "tolerance": "1.5"}, "less than or equal to 1"),
        ({"enabled": "on", "set": "full", "tolerance": "0"}, ""),
        ({"set": "", "tolerance": "1"}, ""),
    ],
)
def test_the_gate_is_set(client, tenant, alice, values, problem):
    with tenant_scope(tenant.pk):
        sets = {name: EvaluationSet.objects.create(name=name) for name in ("empty", "full")}
        EvaluationCase.objects.create(set=sets["full"], question="?", expected=[])
    client.force_login(alice)
    url = client.get(GATE, follow=True).redirect_chain[-1][0]
    data = {**values, "set": sets[values["set"]].pk if values["set"] else ""}
    response = client.post(url, data, follow=True)
    if problem:
        assert problem in response.content.decode()
    with tenant_scope(tenant.pk):
        assert ReleaseGate.objects.get().enabled == ("enabled" in values and not problem)


def test_a_published_prompt_says_that_it_waits(client, shop, gate, alice):
    with tenant_scope(shop.pk):
        draft = versions.save_draft(name="answer", text=FILES.text("answer") + " Be brief.", note="", author=alice)
    client.force_login(alice)
    data = {"text": draft.text, "note": "", "_publish": "1"}
    page = client.post(f"/admin/agents/promptversion/{draft.pk}/change/", data, follow=True).content.decode()
    assert "once its release has been checked" in page
    with tenant_scope(shop.pk):
        assert Release.objects.get().change == {"prompt": draft.pk}


def test_a_gate_that_is_switched_off_has_open_checks_looked_at(client, shop, gate, put, alice):
    from agents.releases.checking import check

    release = put(returns="Nothing of interest.", checked=False)
    client.force_login(alice)
    url = client.get(GATE, follow=True).redirect_chain[-1][0]
    client.post(url, {"set": gate.set_id, "tolerance": ".02"})
    check(shop.pk, release.pk)
    with tenant_scope(shop.pk):
        states = DocumentVersion.objects.filter(document__external_id="returns").order_by("-number")
        assert states.first().state == "live"
