"""A reviewer's word on a reply from the cache, and what erasing a customer leaves of it."""

import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agents.models import CachedAnswer, CacheHit
from chat.erasure import erase_customer
from chat.models import Conversation, Message, Role
from tenants.models import AuditEvent
from tenants.models import Role as MemberRole
from tenants.scope import tenant_scope
from tests.conftest import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def hit(tenant, bob) -> CacheHit:
    """Bob was given an answer that another customer's reply had."""
    now = timezone.now()
    with tenant_scope(tenant.pk):
        talk = Conversation.objects.create(user=bob, updated_at=now)
        asked = Message.objects.create(conversation=talk, role=Role.CUSTOMER, text="delivery time?", created_at=now)
        reply = Message.objects.create(
            conversation=talk, role=Role.ASSISTANT, reply_to=asked, text="Three days.", cached=True, created_at=now
        )
        kept = CachedAnswer.objects.create(
            scope="s", digest="d", question="How long does delivery take?", vector=[1, 0], answer={}, reply=uuid.uuid4()
        )
        made: CacheHit = CacheHit.objects.create(
            cached=kept, reply=reply.pk, question="delivery time?", similarity=0.83
        )
    return made


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def judge(client, tenant, hit, word):
    return client.post(reverse("chat:review-cache", args=[tenant.slug, hit.reply]), {"word": word})


@pytest.fixture
def rita(tenant) -> User:
    return person(tenant, "rita", MemberRole.REVIEWER)


def test_a_reply_from_the_cache_says_so_and_from_which_question(tenant, hit, rita):
    page = signed_in(rita).get(reverse("chat:review-reply", args=[tenant.slug, hit.reply])).content.decode()
    assert "From the cache" in page
    assert "How long does delivery take?" in page
    assert "83%" in page.replace("\N{NO-BREAK SPACE}", "").replace(" %", "%")


def test_right_is_kept_and_wrong_drops_the_answer_for_all(tenant, hit, rita):
    client = signed_in(rita)
    assert judge(client, tenant, hit, "right").status_code == 302
    with tenant_scope(tenant.pk):
        hit.refresh_from_db()
        assert (hit.right, hit.judged_by) == (True, rita)
        assert CachedAnswer.objects.get().dropped_at is None
    judge(client, tenant, hit, "wrong")
    with tenant_scope(tenant.pk):
        hit.refresh_from_db()
        assert hit.right is False
        assert CachedAnswer.objects.get().dropped_at
        actions = set(AuditEvent.objects.filter(actor="rita").values_list("action", flat=True))
    assert actions == {"cache.confirmed", "cache.rejected", "cache.dropped"}


def test_only_reviewers_judge(tenant, hit, bob, charlie):
    for outsider in (bob, charlie):
        assert judge(signed_in(outsider), tenant, hit, "wrong").status_code in {403, 404}
    assert judge(Client(), tenant, hit, "wrong").status_code in {302, 403, 404}
    with tenant_scope(tenant.pk):
        hit.refresh_from_db()
        assert hit.right is None
        assert CachedAnswer.objects.get().dropped_at is None


def test_another_word_changes_nothing(tenant, hit, rita):
    assert judge(signed_in(rita), tenant, hit, "perhaps").status_code == 302
    with tenant_scope(tenant.pk):
        hit.refresh_from_db()
        assert hit.right is None


def test_erasing_a_customer_takes_their_hits_and_what_their_replies_left(tenant, hit, bob):
    with tenant_scope(tenant.pk):
        own = CachedAnswer.objects.create(
            scope="s", digest="e", question="Do you ship?", vector=[1, 0], answer={}, reply=hit.reply
        )
        removed = erase_customer(email=bob.email, actor="command")
        assert (removed["cachedanswer"], removed["cachehit"]) == (1, 1)
        assert not CachedAnswer.objects.filter(pk=own.pk).exists()
        assert not CacheHit.objects.exists()
        assert CachedAnswer.objects.count() == 1  # another customer's
