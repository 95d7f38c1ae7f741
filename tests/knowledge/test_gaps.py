"""Questions gathered into gaps, and what curators do about these."""

import datetime as dt

import numpy as np
import pytest
from django.utils import timezone

from knowledge import gaps
from knowledge.models import Document, Gap
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tests.conftest import person

pytestmark = pytest.mark.django_db
PAGE = "/admin/knowledge/gap/"
WRAP = ["gift wrapping for a present", "gift wrapping for a birthday present", "gift wrapping a present"]


def questions(texts, start="m", days=0):
    at = timezone.now() - dt.timedelta(days=days)
    return [gaps.Question(text, f"{start}{n}", at + dt.timedelta(seconds=n), 0.3) for n, text in enumerate(texts)]


@pytest.fixture
def gather(scope, embedder):
    def gather(texts, **options):
        asked = questions(texts, **options)
        return gaps.gather(asked, embedder.encode_texts([q.text for q in asked]), embedder.name)

    return gather


@pytest.fixture
def gap(gather):
    return gather(WRAP)[0]


def test_questions_that_ask_for_the_same_are_one_gap(gather):
    found = gather([*WRAP, "bicycle insurance abroad"])
    assert [gap.count for gap in found] == [3, 1]
    assert found[0].questions[0]["text"] == WRAP[-1]
    assert found[0].first_at < found[0].last_at


def test_a_new_question_joins_the_gap_that_is_there(gather, gap):
    [again] = gather(["gift wrapping of a present"], start="n")
    assert (again.pk, again.count) == (gap.pk, 4)


def test_the_order_of_the_list_does_not_matter(embedder):
    vectors = embedder.encode_texts(WRAP)
    clusters = gaps.Clusters()
    assert [clusters.add(vector) for vector in vectors] == [0, 0, 0]
    np.testing.assert_allclose(clusters.means[0], vectors.mean(axis=0), atol=1e-5)
    assert gaps.Clusters().nearest(vectors[0]) == (None, 0.0)


def test_a_gap_that_was_answered_opens_again_and_a_dismissed_one_does_not(gather, gap):
    gaps.close([gap.pk])
    assert gather([WRAP[0]], start="n")[0].state == Gap.State.OPEN
    assert gaps.dismiss(Gap.objects.get(), actor="cora")
    assert not gaps.dismiss(Gap.objects.get(), actor="cora")
    assert gather([WRAP[0]], start="o")[0].state == Gap.State.DISMISSED
    assert gaps.reopen(Gap.objects.get(), actor="cora")


def test_it_is_called_by_its_most_central_question_and_its_words(gather, embedder):
    wrap, bike = gather([*WRAP, "bicycle insurance abroad"])
    assert gaps.name(wrap, embedder) in WRAP
    words = gaps.characteristic_words([wrap, bike])
    assert {"gift", "wrapping", "present"} <= set(words[wrap.pk])
    assert "bicycle" in words[bike.pk]


def test_counts_of_the_last_weeks(gather):
    [gap] = gather(WRAP[:1], days=40)
    [gap] = gather(WRAP[:2], start="n")
    assert gaps.recent_counts(gap) == (2, 1)


def test_questions_of_a_person_are_forgotten(gap):
    assert gaps.forget_questions(["m0", "elsewhere"]) == 1
    gap.refresh_from_db()
    assert (gap.count, len(gap.questions)) == (2, 2)
    assert gap.label == gap.questions[0]["text"]
    assert gaps.forget_questions(["m1", "m2"]) == 2
    assert not Gap.objects.exists()


def test_another_model_makes_the_means_anew(gap, embedder):
    assert gaps.outdated("other") == [gap]
    gaps.renew(gap, embedder.encode_texts(gaps.texts_of(gap)), "other")
    assert gaps.outdated("other") == []


@pytest.fixture
def shown(tenant, embedder):
    with tenant_scope(tenant.pk):
        asked = questions(['<b>gift</b> "wrapping"', *WRAP])
        [gap, *_] = gaps.gather(asked, embedder.encode_texts([q.text for q in asked]), embedder.name)
    return gap


def test_who_may_see_them(client, tenant, shown, bob, charlie, alice):
    for user, status in [
        (alice, 200),
        (person(tenant, "cora", Role.CURATOR), 200),
        (person(tenant, "rita", Role.REVIEWER), 403),
        (person(tenant, "ada", Role.AGENT), 403),
        (bob, 403),
        (charlie, 403),
    ]:
        client.force_login(user)
        assert client.get(PAGE, follow=True).status_code == status
        assert client.post(PAGE, {"_dismiss": shown.pk}).status_code == (302 if status == 200 else 403) or status == 403


def test_the_page_of_gaps(client, tenant, alice, shown):
    client.force_login(alice)
    page = client.get(PAGE).content.decode()
    assert "and you have nothing" in page
    assert "<b>gift</b>" not in page
    assert client.post(PAGE, {"_dismiss": shown.pk}).status_code == 302
    assert "Put it back" in client.get(PAGE, {"is": "dismissed"}).content.decode()
    client.post(PAGE, {"_reopen": shown.pk})
    client.post(PAGE, {"_refresh": "1"})
    with tenant_scope(tenant.pk):
        shown.refresh_from_db()
        assert shown.state == Gap.State.OPEN
        assert AuditEvent.objects.filter(action="gap.dismissed", actor="alice").exists()
    assert client.post(PAGE, {"_dismiss": "x"}).status_code == 404
    assert client.get(PAGE, {"is": "nonsense", "page": "9999"}).status_code == 200


def test_an_article_is_begun_for_a_gap(client, tenant, alice, shown, files):
    client.force_login(alice)
    url = f"/admin/knowledge/document/add/?gap={shown.pk}"
    form = client.get(url).context["form"]
    assert gaps.PLACEHOLDER in form.initial["text"]
    data = {"title": "Wrapping", "text": "## Gifts\n\nWe wrap gifts.", "same_name": "replace", "publish": "on"}
    client.post(url, data)
    with tenant_scope(tenant.pk):
        shown.refresh_from_db()
        assert shown.document == Document.objects.get()
        assert shown.state == Gap.State.OPEN
    assert client.get("/admin/knowledge/document/add/?gap=nonsense").context["gap"] is None
