"""Vector drift: what is measured, and what is said about it."""

import datetime as dt

import numpy as np
import pytest
from django.utils import timezone

from knowledge import drift
from knowledge.drift import WEEK, Asked, figures_of
from knowledge.models import VectorDrift
from tenants.models import Role
from tenants.scope import tenant_scope
from tests.conftest import person

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
DRIFT = "/admin/knowledge/embeddingmodel/drift/"


def around(axis: int, count: int, seed: int, spread: float = 0.1) -> np.ndarray:
    """Unit vectors near one axis of eight."""
    vectors = np.random.default_rng(seed).standard_normal((count, 8)) * spread
    vectors[:, axis] += 1
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def asked(before: int, late: int, *, found_before: int = 100, found_late: int = 100) -> list[Asked]:
    """Questions before and of late, of which so many in a hundred found something."""
    return [Asked("", NOW - 8 * WEEK, n % 100 < found_before) for n in range(before)] + [
        Asked("", NOW - WEEK / 2, n % 100 < found_late) for n in range(late)
    ]


def report(questions: list[Asked], vectors: np.ndarray, passages: np.ndarray, added: list | None = None) -> dict:
    return figures_of(questions, vectors, passages, added or [NOW - 10 * WEEK] * len(passages), NOW)


def test_nothing_moved():
    figures = report(asked(100, 100), around(0, 200, 1), around(0, 50, 2))

    assert figures["questions_moved"] < 0.01
    assert figures["verdicts"] == ["Questions and documents are where they were: nothing to do."]
    assert [week["questions"] for week in figures["weeks"]] == [0, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 100]
    assert figures["weeks"][-1]["unanswered"] == 0
    assert figures["weeks"][-1]["begins"] == "2026-11-14"
    assert figures["weeks"][0]["nearest"] is None


def test_questions_away_from_the_documents():
    vectors = np.concatenate([around(0, 100, 1), around(3, 100, 2)])
    figures = report(asked(100, 100), vectors, around(0, 50, 3))

    assert figures["questions_moved"] > 0.5
    assert "farther from the documents" in figures["verdicts"][0]
    assert figures["weeks"][-1]["nearest"] < figures["weeks"][3]["nearest"] - 0.3


def test_other_questions_that_documents_answer_as_well():
    vectors = np.concatenate([around(0, 100, 1), around(3, 100, 2)])
    passages = np.concatenate([around(0, 50, 3), around(3, 50, 4)])

    assert report(asked(100, 100), vectors, passages)["verdicts"] == [
        "Customers ask about other things than before, and the documents are as near: nothing to do."
    ]


@pytest.mark.parametrize(("late", "said"), [(60, True), (85, False)])
def test_a_share_must_rise_by_more_than_chance(late, said):
    figures = report(asked(100, 100, found_before=90, found_late=late), around(0, 200, 1), around(0, 50, 2))

    assert ("find nothing good enough" in figures["verdicts"][0]) is said


def test_new_documents_about_something_else():
    passages = np.concatenate([around(0, 50, 1), around(5, 50, 2)])
    added = [NOW - 10 * WEEK] * 50 + [NOW - WEEK] * 50
    figures = report(asked(100, 100), around(0, 200, 3), passages, added)

    assert figures["documents_moved"] > 0.5
    assert "New documents are about other things" in figures["verdicts"][-1]
    assert figures["weeks"][-2]["passages"] == 50


def test_too_few_to_say_and_nothing_at_all():
    none = np.zeros((0, 8), np.float32)
    for figures in (report(asked(100, 5), around(0, 105, 1), around(0, 50, 2)), report([], none, none)):
        assert "too few to say" in figures["verdicts"][0]
    assert figures["questions_moved"] is figures["documents_moved"] is None


@pytest.mark.django_db
def test_it_is_kept_by_model_and_shown_to_owners_alone(client, tenant, add, alice):
    add("battery", "The battery lasts 40 km.")
    at = timezone.now()
    questions = [Asked("How long does the battery last?", at - n * WEEK / 7, True) for n in range(84)]
    drift.measure(tenant.pk, questions)

    with tenant_scope(tenant.pk):
        kept = VectorDrift.objects.get()
    assert kept.model == "fake"
    assert kept.figures["weeks"][-1]["nearest"] > 0
    client.force_login(alice)
    page = client.get(DRIFT).content.decode()
    assert "nothing to do" in page
    assert "being measured" in client.post(DRIFT, follow=True).content.decode()
    client.force_login(person(tenant, "rita", Role.REVIEWER))
    assert client.get(DRIFT).status_code == 403
