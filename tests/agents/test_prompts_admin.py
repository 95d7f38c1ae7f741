"""The admin's pages of prompts: who may come, what they write, publish and try."""

import asyncio
import threading
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from agents import prompts
from agents.llm import ledger
from agents.llm.registry import Model, TenantModels
from agents.llm.scripted import Scripted, says
from agents.models import Action, ModelCall, PromptState, PromptVersion, Session, ToolCall
from agents.prompts import FILES
from agents.prompts.versions import prompts_of_tenant, save_draft
from chat.models import Conversation, Message
from chat.models import Role as Who
from commerce.exchange import import_shop
from tenants.models import AuditEvent, Role
from tenants.scope import THREADS, in_thread, tenant_scope
from tests.commerce.little_shop import little_shop
from tests.conftest import person

LIST = "/admin/agents/promptversion/"
TERSE = "Answer for {tenant} in one word, or write [unknown]."


@pytest.fixture
def curator(tenant, client):
    user = person(tenant, "cora", Role.CURATOR)
    client.force_login(user)
    return user


@pytest.fixture
def draft(tenant, curator):
    with tenant_scope(tenant.pk):
        return save_draft(name="act", text=TERSE, note="shorter", author=curator)


@pytest.fixture
def in_use(tenant):
    def read():
        with tenant_scope(tenant.pk):
            return prompts_of_tenant()

    return read


@pytest.fixture
def model(monkeypatch):
    """A model behind the installation: terse where the prompt says so. Returns what it was asked."""
    asked = []

    class Speaker(Scripted):
        async def stream(self, messages, tools, options):
            asked.append(messages[0].content)
            terse = "in one word" in messages[0].content
            self._scripts = (says("Twelve." if terse else "The battery lasts for twelve hours."),)
            async for chunk in super().stream(messages, tools, options):
                yield chunk

    models = TenantModels(Model("primary", "m-1", "", ""))
    monkeypatch.setattr("agents.llm.registry.environment_models", lambda: models)
    monkeypatch.setattr(Model, "provider", lambda self: Speaker(name=self.name, model=self.model))
    return asked


@pytest.fixture
def _threads_end():
    """What was given up half-way goes on in its thread: the database must not go before it."""
    yield
    everyone = threading.Barrier(THREADS)

    async def wait():
        await asyncio.gather(*(in_thread(everyone.wait, 60) for _ in range(THREADS)))

    asyncio.run(wait())


def page_of(version):
    return reverse("admin:agents_promptversion_change", args=[version.pk])


def written(version, **more):
    return {"text": version.text, "note": version.note, **more}


@pytest.mark.django_db
def test_only_owners_and_curators_come_in(client, tenant, draft, alice, bob, charlie, in_use):
    for insider in (alice, draft.created_by):
        client.force_login(insider)
        assert client.get(LIST).status_code == client.get(page_of(draft)).status_code == 200
    for outsider in (bob, charlie, person(tenant, "rita", Role.REVIEWER)):
        client.force_login(outsider)
        for url in (LIST, page_of(draft)):
            assert client.get(url, follow=True).status_code == 403
            assert client.post(url, {"_publish": "1", "_draft": "answer"}, follow=True).status_code == 403
    assert in_use() == FILES


@pytest.mark.django_db
def test_a_draft_of_another_tenant_is_not_there(client, other_tenant, draft):
    client.force_login(person(other_tenant, "olga", Role.OWNER))
    assert client.post(page_of(draft), written(draft, _publish="1")).status_code == 302
    with tenant_scope(draft.tenant_id):
        assert PromptVersion.objects.get().state == PromptState.DRAFT


@pytest.mark.django_db
def test_a_draft_begins_with_what_is_in_use(client, tenant, curator):
    listed = client.get(LIST).content.decode()
    assert all(form.title in listed for form in prompts.FORMS.values())
    response = client.post(LIST, {"_draft": "answer"})
    with tenant_scope(tenant.pk):
        draft = PromptVersion.objects.get()
    assert response.headers["Location"] == page_of(draft)
    assert draft.text == prompts.load("answer")
    page = client.get(page_of(draft)).content.decode()
    assert "This is a draft" in page
    assert "No language model is set up" in page
    assert client.post(LIST, {"_draft": "nothing"}).status_code == 302
    with tenant_scope(tenant.pk):
        assert PromptVersion.objects.count() == 1


@pytest.mark.django_db
def test_a_broken_text_is_refused_with_a_sentence_and_nothing_is_lost(client, tenant, draft):
    for button in ("_save", "_publish", "_try"):
        response = client.post(page_of(draft), {"text": "Hello {naem} [unknown]", "note": "n", button: "1"})
        page = response.content.decode()
        assert response.status_code == 200
        assert "There is no place {naem}. The places here are: {tenant}." in page
        assert "Hello {naem} [unknown]" in page
    with tenant_scope(tenant.pk):
        assert PromptVersion.objects.get().text == TERSE
        assert prompts_of_tenant() == FILES


@pytest.mark.django_db
def test_a_draft_shows_what_it_changes(client, draft):
    page = client.get(page_of(draft)).content.decode()
    assert f"<ins>{TERSE}</ins>" in page
    assert "<del>Rules:</del>" in page


@pytest.mark.django_db
def test_a_draft_is_saved_published_and_rolled_back(client, tenant, draft, in_use):
    other = TERSE + " Be kind."
    assert client.post(page_of(draft), written(draft, text=other, _save="1")).status_code == 302
    assert in_use() == FILES
    assert client.post(page_of(draft), written(draft, text=other, _publish="1")).status_code == 302
    assert in_use().text("act") == other
    assert in_use().version == f"{prompts.VERSION}+act.1"
    client.post(LIST, {"_draft": "act"})
    with tenant_scope(tenant.pk):
        second = PromptVersion.objects.get(number=2)
    client.post(page_of(second), written(second, text=TERSE, _publish="1"))
    assert in_use().version.endswith("act.2")
    client.post(page_of(draft), {"text": "A published text cannot be changed", "_publish": "1"})
    assert in_use().text("act") == other
    client.post(LIST, {"_file": "act"})
    assert in_use() == FILES
    with tenant_scope(tenant.pk):
        actions = AuditEvent.objects.filter(actor="cora", target__startswith="act").order_by("pk")
        assert list(actions.values_list("action", flat=True))[-4:] == [
            "prompt.edited",
            "prompt.published",
            "prompt.rolled_back",
            "prompt.retired",
        ]


@pytest.mark.django_db
def test_a_version_of_a_prompt_that_is_gone_cannot_be_opened(client, tenant, curator):
    with tenant_scope(tenant.pk):
        row = PromptVersion.objects.create(name="gone", number=1, text="x")
    for response in (client.get(page_of(row)), client.post(page_of(row), {"_publish": "1", "state": "published"})):
        assert (response.status_code, response.headers["Location"]) == (302, LIST)
    with tenant_scope(tenant.pk):
        assert PromptVersion.objects.get().state == PromptState.DRAFT


@pytest.mark.django_db
def test_a_draft_is_thrown_away(client, tenant, draft):
    assert client.post(page_of(draft), {"_discard": "1"}).status_code == 302
    with tenant_scope(tenant.pk):
        assert not PromptVersion.objects.exists()


@pytest.mark.django_db
def test_without_a_model_there_is_nothing_to_try(client, draft):
    page = client.post(page_of(draft), written(draft, questions="How long?", _try="1")).content.decode()
    assert "No language model is set up: nothing can be tried." in page


@pytest.mark.django_db
@pytest.mark.parametrize("questions", ["", "one\ntwo\nthree\nfour\nfive\nsix"])
def test_a_few_questions_are_tried_at_once(client, draft, model, questions):
    page = client.post(page_of(draft), written(draft, questions=questions, _try="1")).content.decode()
    assert "Choose or write one to 5 questions." in page
    assert "Save and try" in page
    assert model == []


@pytest.mark.django_db
def test_a_reply_of_somebody_else_cannot_be_tried(client, draft, model):
    page = client.post(page_of(draft), written(draft, replies=[str(uuid.uuid4())], _try="1")).content.decode()
    assert "Select a valid choice" in page
    assert model == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_threads_end")
def test_a_draft_is_tried_beside_the_prompt_in_use(client, tenant, draft, model):
    with tenant_scope(tenant.pk):
        import_shop(little_shop(), actor="test")
        at = timezone.now()
        talk = Conversation.objects.create(visitor=uuid.uuid4(), updated_at=at)
        asked = Message.objects.create(
            conversation=talk, role=Who.CUSTOMER, text="How long does it last?", created_at=at
        )
        told = Message.objects.create(
            conversation=talk, role=Who.ASSISTANT, text="Long.", reply_to=asked, model="m-1",
            created_at=at + timedelta(microseconds=1),
        )  # fmt: skip
    assert "How long does it last?" in client.get(page_of(draft)).content.decode()
    fields = written(draft, replies=[str(told.pk)], questions="And the other one?", _try="1")
    response = client.post(page_of(draft), fields)
    page = response.content.decode()
    assert response.status_code == 200
    assert page.count("The battery lasts for twelve hours.") == page.count('<div class="aw-text">Twelve.</div>') == 2
    assert page.count("m-1, first words after") == 4
    assert page.index("How long does it last?", page.index("side by side")) < page.index("And the other one?</th>")
    assert sorted("in one word" in told for told in model) == [False, False, True, True]
    ledger.write_waiting()
    with tenant_scope(tenant.pk):
        assert set(ModelCall.objects.values_list("feature", "reply")) == {("trial", None)}
        assert ModelCall.objects.count() == 4
        assert (Conversation.objects.count(), Message.objects.count()) == (1, 2)
        assert not any(kept.objects.exists() for kept in (Session, ToolCall, Action))
        assert prompts_of_tenant() == FILES
