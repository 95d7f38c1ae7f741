"""Answers that curators write: who gets them, what happens to their documents, and what every process sees at once."""

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from knowledge import curation, ingestion, services, wordings
from knowledge.models import CuratedAnswer, Document, DocumentVersion, SearchSettings, SynonymGroup
from knowledge.retrieval.curated import JUDGES, CuratedAnswers, Wording
from knowledge.retrieval.filters import FOR_CUSTOMERS
from knowledge.retrieval.search import Filters, search
from tenants.models import AuditEvent
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
ANSWER = "An opened box can be returned within thirty days.\n\nKeep the receipt."
QUESTIONS = ("Can I return an opened box?", "return of opened goods")


@pytest.fixture
def curate(add, tenant):
    """Keeps a curated answer, and does what the worker would."""

    def curate(questions=QUESTIONS, answer=ANSWER, *, enabled=True, curated=None) -> CuratedAnswer:
        with tenant_scope(tenant.pk):
            row = curation.save_answer(
                questions=questions, answer=answer, enabled=enabled, actor="cora", curated=curated
            )
            versions = list(DocumentVersion.objects.filter(document=row.document, state="queued"))
        ingestion.ingest_versions(tenant.pk, [version.pk for version in versions])
        wordings.encode_wordings(tenant.pk)
        with tenant_scope(tenant.pk):
            row.refresh_from_db()
        return row

    return curate


def test_the_same_words_get_the_answer_and_its_document_comes_first(add, curate, tenant):
    add("returns", "An opened box. Can I return an opened box? Opened boxes, returned.")
    row = curate()

    result = search(tenant.pk, "can i RETURN an opened box")

    assert result.curated.answer == ANSWER
    assert result.passages[0].document_id == row.document_id
    assert result.passages[0].scores["curated"] == 1
    assert result.answerability >= 1
    assert [passage.document for passage in result.passages[1:]] == ["returns"]


def test_other_words_need_a_near_vector_and_a_judge(curate, tenant, monkeypatch):
    curate()
    for less, given in ((0.0, True), (0.9, False), (None, False)):
        monkeypatch.setattr(JUDGES, "same", lambda *_, less=less: less)
        assert bool(search(tenant.pk, "May I return an opened box?").curated) == given
    monkeypatch.setattr(JUDGES, "same", None)
    assert search(tenant.pk, "May I return an opened box?").curated is None
    monkeypatch.setattr(JUDGES, "same", lambda *_: 0.0)
    assert search(tenant.pk, "Who painted the ceiling?").curated is None


def test_vectors_of_another_model_are_not_compared():
    wording = Wording("Can I return it?", 1, 1, "Yes.", np.ones(1, np.float32))
    answers = CuratedAnswers((wording,), "one")
    assert answers.match("May one give it back?", "en", np.ones(1, np.float32), "other") is None
    assert answers.match("can i return it", "en", None, "").answer == "Yes."


def test_a_new_answer_is_given_from_the_next_question_on(curate, tenant):
    row = curate()
    assert search(tenant.pk, QUESTIONS[0]).curated.answer == ANSWER
    curate(answer="No.", curated=row)
    assert search(tenant.pk, QUESTIONS[0]).curated.answer == "No."
    assert search(tenant.pk, QUESTIONS[0]).passages[0].text == "No."
    with tenant_scope(tenant.pk):
        assert DocumentVersion.objects.filter(document=row.document).count() == 2
        assert set(AuditEvent.objects.values_list("action", flat=True)) >= {"curated.added", "curated.edited"}


def test_a_new_first_wording_is_the_new_title(curate, tenant):
    row = curate(("How do I give it back?", *QUESTIONS), curated=curate())
    with tenant_scope(tenant.pk):
        assert Document.objects.get(pk=row.document_id).title == "How do I give it back?"
    assert search(tenant.pk, "how do i give it back").curated.curated == row.pk


@pytest.mark.parametrize("gone", ["switched off", "archived", "deleted", "document deleted"])
def test_an_answer_that_is_out_of_use_is_given_to_nobody(curate, tenant, gone):
    row = curate()
    assert search(tenant.pk, QUESTIONS[0]).curated
    with tenant_scope(tenant.pk):
        document = Document.objects.get(pk=row.document_id)
        if gone == "archived":
            services.archive([document], actor="cora")
        elif gone == "deleted":
            curation.delete_answers([row], actor="cora")
        elif gone == "document deleted":
            services.delete([document], actor="cora")
    if gone == "switched off":
        curate(enabled=False, curated=row)
    result = search(tenant.pk, QUESTIONS[0])
    assert result.curated is None
    assert result.passages == ()
    with tenant_scope(tenant.pk):
        assert CuratedAnswer.objects.exists() == (gone in ("switched off", "archived"))


def test_switching_on_brings_it_back(curate, tenant):
    row = curate(enabled=False)
    assert search(tenant.pk, QUESTIONS[0]).curated is None
    curate(enabled=True, curated=row)
    assert search(tenant.pk, QUESTIONS[0]).curated


@pytest.mark.parametrize(
    ("questions", "answer"),
    [((), "Yes."), (("  ", "\x00"), "Yes."), (("a",), "  "), (["x" * 301], "y"), ([f"q{n}" for n in range(51)], "y")],
)
def test_what_cannot_be_kept_is_explained_and_leaves_nothing(scope, questions, answer):
    with pytest.raises(ValidationError):
        curation.save_answer(questions=questions, answer=answer, enabled=True, actor="cora")
    assert not CuratedAnswer.objects.exists()
    assert not Document.objects.exists()


def test_a_filter_holds_for_curated_answers_too(curate, add, tenant):
    row = curate()
    with tenant_scope(tenant.pk):
        services.set_metadata(row.document, {"audience": "partners"}, actor="a")
        SearchSettings.objects.create(audiences="customers")
        curation.note_change(actor="a", action="search.edited", target="settings")
    assert search(tenant.pk, QUESTIONS[0]).curated
    assert search(tenant.pk, QUESTIONS[0], filters=FOR_CUSTOMERS).curated is None


def test_customers_see_their_audiences_and_what_is_for_everybody(add, tenant):
    add("all", "The discount is ten percent.")
    add("ours", "The discount is twelve percent.", metadata={"audience": "Customers"})
    add("theirs", "The discount is forty percent.", metadata={"audience": "partners", "product": "X1"})

    def found(filters):
        return {passage.document for passage in search(tenant.pk, "discount", filters=filters).passages}

    assert found(FOR_CUSTOMERS) == {"all", "ours", "theirs"}
    with tenant_scope(tenant.pk):
        SearchSettings.objects.create(audiences="customers, guests")
        curation.note_change(actor="a", action="search.edited", target="settings")
    assert found(FOR_CUSTOMERS) == {"all", "ours"}
    assert found(Filters(audience="PARTNERS")) == {"theirs"}
    assert found(Filters(product="x1")) == {"theirs"}
    assert found(Filters(product="x2")) == set()


def test_a_language_includes_its_regions(add, tenant):
    for name, language in (("a", "pt"), ("b", "pt-BR"), ("c", "ptx"), ("d", "")):
        add(name, f"Garantia {name}.", metadata={"language": language})
    found = {passage.document for passage in search(tenant.pk, "garantia", filters=Filters(language="PT")).passages}
    assert found == {"a", "b"}


def test_synonyms_count_from_the_next_question_on(add, tenant):
    add("notebook", "The notebook has a warranty of two years.")
    add("fridge", "The fridge has a warranty of five years, the warranty of all.")
    assert search(tenant.pk, "computer warranty").passages[0].document == "fridge"
    with tenant_scope(tenant.pk):
        SynonymGroup.objects.create(words=["computer", "notebook"])
        curation.note_change(actor="a", action="synonyms.edited", target="group")
    assert search(tenant.pk, "computer warranty").passages[0].document == "notebook"


def test_each_part_of_a_question_has_its_best_among_the_first(add, tenant):
    add("warranty", "The warranty of the kettle covers two years.")
    add("opening", "The shop opens at nine.")
    for n in range(8):
        add(f"w{n}", f"The warranty covers the kettle, number {n}: the warranty of the kettle covers it.")
    result = search(tenant.pk, "What does the warranty of the kettle cover and when does the shop open?", k=3)
    assert "opening" in {passage.document for passage in result.passages}
    assert [part.text for part in result.parts][1] == "when does the shop open?"
    scores = [passage.score for passage in result.passages]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("k", [0, 1, 10_000])
def test_any_number_of_passages(curate, add, tenant, k):
    curate()
    add("other", "Something else.")
    assert len(search(tenant.pk, QUESTIONS[0], k=k).passages) == min(k, 2)
