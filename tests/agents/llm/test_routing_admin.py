"""The admin's page of routing rules: who may come, what they change, what is tried."""

import pytest
from django.urls import reverse

from agents.llm.router import DEFAULTS, Rule, rules_of_tenant
from agents.models import AnswerPolicy, Intent, LanguageModel, RoutingRule
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tests.conftest import person

pytestmark = pytest.mark.django_db
LIST, ADD = "/admin/agents/routingrule/", "/admin/agents/routingrule/add/"
RULE = {"name": "Angry Germans", "position": 10, "strong": "on", "active": "on", "min_characters": 300}


@pytest.fixture
def curator(tenant, client):
    user = person(tenant, "cora", Role.CURATOR)
    client.force_login(user)
    return user


@pytest.fixture
def page(client):
    def get(url=LIST, **query):
        response = client.get(url, query)
        assert response.status_code == 200
        return response.content.decode()

    return get


def rules(tenant):
    with tenant_scope(tenant.pk):
        return rules_of_tenant()


@pytest.mark.parametrize("url", [LIST, ADD])
def test_only_owners_and_curators_come_in(client, tenant, alice, bob, charlie, url):
    for insider in (alice, person(tenant, "cora", Role.CURATOR)):
        client.force_login(insider)
        assert client.get(url).status_code == 200
    for outsider in (bob, charlie, person(tenant, "rita", Role.REVIEWER)):
        client.force_login(outsider)
        assert client.get(url, follow=True).status_code == 403
        assert client.post(LIST, {"_copy": "1"}, follow=True).status_code == 403
    assert rules(tenant) == DEFAULTS


def test_the_built_in_rules_are_shown_and_can_be_taken_over(client, tenant, curator, page):
    assert str(DEFAULTS[0]) in page()
    for _ in range(2):
        assert client.post(LIST, {"_copy": "1"}).status_code == 302
    assert rules(tenant) == DEFAULTS
    with tenant_scope(tenant.pk):
        assert RoutingRule.objects.count() == len(DEFAULTS)
        assert AuditEvent.objects.filter(action="routing.copied").count() == 1
    assert "Built-in rules" not in page()


def test_a_rule_is_made_with_choices_and_told_in_words(client, tenant, curator, page):
    assert client.post(ADD, {**RULE, "intents": ["complaint"], "languages": ["de"]}).status_code == 302
    assert rules(tenant) == (Rule("Angry Germans", ("complaint",), ("de",), 300),)
    assert "Messages about complaint in German of 300 characters or more go to the strong model." in page()
    with tenant_scope(tenant.pk):
        [event] = AuditEvent.objects.filter(action="routing.added")
    assert (event.actor, event.target, event.detail["active"]) == ("cora", "Angry Germans", True)


def test_a_rule_keeps_an_intent_that_is_gone(client, tenant, curator):
    with tenant_scope(tenant.pk):
        Intent.objects.create(name="refund", enabled=False)
        row = RoutingRule.objects.create(name="r", intents=["refund", "gone"])
    url = reverse("admin:agents_routingrule_change", args=[row.pk])
    assert client.post(url, {**RULE, "intents": ["refund", "gone"]}).status_code == 302
    assert rules(tenant)[0].intents == ("refund", "gone")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"min_messages": 25}, "told of 24 messages"),
        ({"languages": ["xx"]}, "Select a valid choice"),
        ({"intents": ["nothing"]}, "Select a valid choice"),
        ({"min_characters": -1}, "greater than or equal to 0"),
        ({"name": ""}, "required"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(client, tenant, curator, wrong, said):
    response = client.post(ADD, {**RULE, **wrong})
    assert response.status_code == 200
    assert said in response.content.decode()
    assert rules(tenant) == DEFAULTS


def test_the_order_is_changed_in_the_list(client, tenant, curator):
    with tenant_scope(tenant.pk):
        first = RoutingRule.objects.create(name="first", position=1)
        second = RoutingRule.objects.create(name="second", position=2)
    data = {"form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 2, "_save": "Save"}
    for number, (row, position) in enumerate([(first, 3), (second, 2)]):
        data |= {f"form-{number}-id": row.pk, f"form-{number}-position": position, f"form-{number}-active": "on"}
    assert client.post(LIST, data).status_code == 302
    assert [rule.name for rule in rules(tenant)] == ["second", "first"]


def test_a_rule_is_deleted(client, tenant, curator):
    with tenant_scope(tenant.pk):
        row = RoutingRule.objects.create(name="first")
    client.post(reverse("admin:agents_routingrule_delete", args=[row.pk]), {"post": "yes"})
    assert rules(tenant) == DEFAULTS


def test_a_question_is_tried(curator, page):
    assert "The primary model</strong>: no rule fits" in page(question="Where is it?")
    tried = page(question="Where is it?", failed="on")
    assert "The strong model</strong>, by the rule “Second try”" in tried
    assert "The strong model</strong>, by the rule “Long conversation”" in page(question="And now?", before="12")
    assert "less than or equal to 24" in page(question="And now?", before="99")
    assert 'role="status"' not in page(question="  ")


def test_a_question_is_tried_with_its_intents_and_language(tenant, curator, page):
    with tenant_scope(tenant.pk):
        RoutingRule.objects.create(name="late", intents=["delivery"], languages=["de"])
    tried = page(question="Wann kommt das Paket, das ich bei euch bestellt habe, und wie viel kostet der Versand?")
    assert "by the rule “late”" in tried
    assert "Read as German, about delivery" in tried


def test_the_page_says_when_the_rules_decide_nothing(tenant, curator, page):
    assert "There is only one model now" in page()
    with tenant_scope(tenant.pk):
        for role in ("primary", "strong"):
            LanguageModel.objects.create(role=role, model=role)
        assert "decides nothing" not in page()
        policy = AnswerPolicy.objects.create(routing="shadow")
    assert "shadow mode" in page()
    with tenant_scope(tenant.pk):
        policy.routing = "off"
        policy.save()
    assert "Routing is switched off" in page()
