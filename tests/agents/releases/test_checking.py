"""Changes that wait for the tenant's questions: what passes, what is held back, and what people do about it."""

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.models import PromptState
from agents.prompts import versions
from agents.releases import checking, deciding, jobs
from knowledge import releasing, services
from knowledge.changes import record_search_change
from knowledge.evaluation.jobs import retry_run
from knowledge.evaluation.runs import stop_run
from knowledge.models import (
    Chunk,
    Document,
    DocumentVersion,
    EvaluationCase,
    EvaluationRun,
    Release,
    ReleaseGate,
    SearchSettings,
)
from knowledge.retrieval.search import search
from tenants.models import AuditEvent
from tenants.scope import tenant_scope
from tests.agents.releases.conftest import run_check, state_of

pytestmark = pytest.mark.django_db
BETTER = "You have ninety days to return an item."
WORSE = "Nothing of interest."


@pytest.fixture
def asking(monkeypatch):
    """Leaves a check where its runs are made and not asked."""

    def leave(tenant, release):
        with monkeypatch.context() as patch:
            patch.setattr("agents.releases.checking.runs.carry_out", lambda *_, **__: None)
            assert checking.check(tenant.pk, release.pk) is True

    return leave


def texts(tenant, query):
    return [passage.text for passage in search(tenant.pk, query).passages]


def test_without_a_gate_nothing_waits(shop, put):
    assert put(returns=WORSE) is None
    assert state_of(shop, "returns") == "live"


def test_a_gate_that_is_off_is_none(shop, gate, put):
    with tenant_scope(shop.pk):
        ReleaseGate.objects.update(enabled=False)
    assert put(returns=WORSE) is None


def test_the_first_content_of_a_tenant_passes(add, tenant):
    with tenant_scope(tenant.pk):
        ReleaseGate.objects.create(enabled=True)
    assert add("first", "The first text.").state == Document.State.LIVE
    with tenant_scope(tenant.pk):
        assert not Release.objects.exists()


def test_what_makes_nothing_worse_goes_live_by_itself(shop, gate, put):
    release = put(returns=BETTER)
    assert (release.state, release.reasons, release.decided_by) == ("live", [], checking.GATE)
    assert BETTER in texts(shop, "days to return")
    assert "thirty" not in str(texts(shop, "days to return"))
    with tenant_scope(shop.pk):
        assert AuditEvent.objects.filter(action="release.live").exists()


def test_before_it_is_checked_nobody_finds_it(shop, gate, put):
    release = put(returns=BETTER, checked=False)
    assert release.state == "checking"
    assert state_of(shop, "returns") == "held"
    assert BETTER not in texts(shop, "days to return")
    assert "You have thirty days to return an item." in texts(shop, "days to return")


def test_what_makes_it_worse_is_held_back_with_reasons(shop, gate, put):
    release = put(returns=WORSE)
    assert release.state == "held"
    assert any(
        reason.startswith("Recall@1 fell from 1 to .667: 1 question no longer finds") for reason in release.reasons
    )
    assert any("“How many days to return an item?”" in reason for reason in release.reasons)
    assert state_of(shop, "returns") == "held"
    assert WORSE not in texts(shop, "nothing of interest")


def test_documents_added_together_are_one_release(shop, gate, put):
    release = put(returns=BETTER, gifts="Gifts are wrapped.", colours="It comes in blue.")
    with tenant_scope(shop.pk):
        assert Release.objects.count() == 1
        assert Document.objects.get(external_id="gifts").state == Document.State.LIVE
    assert release.label == "Returns, Gifts, Colours"


def test_a_tolerance_of_one_lets_everything_through(shop, gate, put):
    with tenant_scope(shop.pk):
        ReleaseGate.objects.update(tolerance=1.0)
    assert put(returns=WORSE).state == "live"


@pytest.mark.parametrize(("removed", "reason"), [("set", checking.NO_SET), ("cases", "The set of questions “FAQ”")])
def test_a_gate_without_questions_holds_and_says_so(shop, gate, put, removed, reason):
    with tenant_scope(shop.pk):
        gate.set.delete() if removed == "set" else EvaluationCase.objects.all().delete()
    release = put(returns=BETTER)
    assert release.state == "failed"
    assert release.reasons[0].startswith(reason)
    assert state_of(shop, "returns") == "held"


def test_a_set_that_is_deleted_while_it_is_asked(shop, gate, put, asking):
    release = put(returns=BETTER, checked=False)
    asking(shop, release)
    with tenant_scope(shop.pk):
        gate.set.delete()
    assert run_check(shop, release).reasons == [checking.NO_SET]


def test_documents_that_are_deleted_while_they_wait(shop, gate, put):
    release = put(returns=BETTER, checked=False)
    with tenant_scope(shop.pk):
        services.delete(Document.objects.filter(external_id="returns"), actor="a")
        release.refresh_from_db()
    assert (release.state, release.reasons) == ("withdrawn", [releasing.NOTHING_LEFT])
    assert checking.check(shop.pk, release.pk) is False


def test_a_newer_version_takes_the_place_of_one_that_waits(shop, gate, put):
    first = put(returns=WORSE)
    second = put(returns=BETTER)
    with tenant_scope(shop.pk):
        first.refresh_from_db()
        states = list(
            DocumentVersion.objects.filter(document__external_id="returns")
            .order_by("number")
            .values_list("state", flat=True)
        )
        assert not Chunk.objects.filter(text=WORSE).exists()
    assert (first.state, second.state) == ("withdrawn", "live")
    assert states == ["superseded", "superseded", "live"]


def test_two_releases_at_once_are_checked_one_after_the_other(shop, gate, put):
    first, second = put(returns=BETTER, checked=False), put(battery="The battery lasts ten hours.", checked=False)
    with tenant_scope(shop.pk):
        locks = set(ProcrastinateJob.objects.filter(task_name=releasing.CHECK).values_list("lock", flat=True))
    assert locks == {f"releases:{shop.pk}"}
    assert [run_check(shop, release).state for release in (first, second)] == ["live", "live"]
    assert BETTER in texts(shop, "days to return")
    assert "The battery lasts ten hours." in texts(shop, "battery hours")


def test_a_baseline_is_used_again_while_nothing_changed(shop, gate, put):
    first = put(returns=WORSE)
    second = put(battery=WORSE)
    assert second.state == "held"
    assert first.baseline_id == second.baseline_id
    with tenant_scope(shop.pk):
        EvaluationCase.objects.create(set=gate.set, question="parcels?", expected=[{"document": "shipping"}])
    third = put(shipping="Parcels arrive within three days.")
    assert third.baseline_id != first.baseline_id


def test_what_changes_while_it_is_checked_is_asked_again(shop, gate, put, asking):
    release = put(returns=BETTER, checked=False)
    asking(shop, release)
    with tenant_scope(shop.pk):
        release.refresh_from_db()
        before = release.baseline_id
        services.archive(Document.objects.filter(external_id="battery"), actor="a")
    assert run_check(shop, release).state == "live"
    assert release.baseline_id != before


def test_a_run_that_is_stopped_ends_the_check_and_passes_nothing(shop, gate, put, asking):
    release = put(returns=BETTER, checked=False)
    asking(shop, release)
    with tenant_scope(shop.pk):
        release.refresh_from_db()
        assert stop_run(run=release.baseline)
    run_check(shop, release)
    assert (release.state, release.reasons) == ("failed", [checking.STOPPED.format("Before: Returns")])
    assert state_of(shop, "returns") == "held"
    with tenant_scope(shop.pk):
        states = set(EvaluationRun.objects.values_list("state", flat=True))
        assert states == {"stopped"}  # the other one is asked by nobody: it would tell nothing by itself
        assert deciding.check_again(release=release, actor="cora")
    assert run_check(shop, release).state == "live"


def test_a_candidate_that_is_stopped_passes_nothing_either(shop, gate, put, asking):
    release = put(returns=BETTER, checked=False)
    asking(shop, release)
    with tenant_scope(shop.pk):
        release.refresh_from_db()
        assert stop_run(run=release.candidate)
    assert run_check(shop, release).reasons == [checking.STOPPED.format("After: Returns")]


def test_a_run_that_was_stopped_and_goes_on_is_waited_for(shop, gate, put, asking):
    release = put(returns=BETTER, checked=False)
    asking(shop, release)
    with tenant_scope(shop.pk):
        release.refresh_from_db()
        stop_run(run=release.candidate)
        retry_run(release.candidate)
    assert run_check(shop, release).state == "live"


def test_knowledge_that_never_rests_ends_the_check(shop, gate, put, asking):
    release = put(returns=BETTER, checked=False)
    for _ in range(checking.MOST_ROUNDS):
        asking(shop, release)
        with tenant_scope(shop.pk):
            record_search_change()
    assert checking.check(shop.pk, release.pk) is False
    with tenant_scope(shop.pk):
        release.refresh_from_db()
        assert not EvaluationRun.objects.filter(state__in=EvaluationRun.IN_WORK).exists()
        assert EvaluationRun.objects.count() == 2 * checking.MOST_ROUNDS
    assert (release.state, release.reasons) == ("failed", [checking.RESTLESS])
    with tenant_scope(shop.pk):
        deciding.check_again(release=release, actor="cora")
    assert run_check(shop, release).state == "live"


def test_a_check_that_was_begun_comes_before_those_that_were_not(shop, gate, put, asking):
    first = put(returns=BETTER, checked=False)
    asking(shop, first)
    put(battery="The battery lasts ten hours.", checked=False)
    waiting = ProcrastinateJob.objects.filter(task_name=releasing.CHECK)
    with tenant_scope(shop.pk):
        waiting.filter(args__release_id=first.pk)._raw_delete("default")  # its first step has been done
        first.refresh_from_db()
        releasing.enqueue_check(first)
    assert waiting.order_by("-priority", "pk").first().args["release_id"] == first.pk


@pytest.mark.parametrize("decide", [deciding.release_anyway, deciding.withdraw])
def test_nobody_is_asked_for_what_was_decided(shop, gate, put, asking, decide):
    release = put(returns=BETTER, checked=False)
    asking(shop, release)
    with tenant_scope(shop.pk):
        assert decide(release=release, actor="olga")
        assert set(EvaluationRun.objects.values_list("state", flat=True)) == {"stopped"}


def test_a_check_that_is_broken_off_goes_on(shop, gate, put, monkeypatch):
    release = put(returns=BETTER, checked=False)
    monkeypatch.setattr("agents.releases.checking.falls", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_check(shop, release)
    monkeypatch.undo()
    with tenant_scope(shop.pk):
        runs = EvaluationRun.objects.count()
    assert run_check(shop, release).state == "live"
    with tenant_scope(shop.pk):
        assert EvaluationRun.objects.count() == runs


def test_checks_that_nobody_works_on_are_found(shop, gate, put, monkeypatch):
    release = put(returns=BETTER, checked=False)
    monkeypatch.setattr(jobs, "FORGOTTEN_AFTER", -jobs.FORGOTTEN_AFTER)
    with tenant_scope(shop.pk):
        assert jobs.forgotten_releases() == []
        ProcrastinateJob.objects.filter(task_name=releasing.CHECK)._raw_delete("default")
        assert jobs.forgotten_releases() == [release]


def test_switching_the_gate_off_lets_through_what_is_being_checked_and_not_what_is_held(shop, gate, put):
    held = put(returns=WORSE)
    waiting = put(battery=WORSE, checked=False)
    with tenant_scope(shop.pk):
        ReleaseGate.objects.update(enabled=False)
    assert run_check(shop, waiting).reasons == [checking.GATE_IS_OFF]
    assert state_of(shop, "battery") == "live"
    assert run_check(shop, held).state == "held"


def test_an_owner_may_release_it_anyway(shop, gate, put):
    release = put(returns=WORSE)
    with tenant_scope(shop.pk):
        assert deciding.release_anyway(release=release, actor="olga")
        assert not deciding.release_anyway(release=release, actor="olga")
        release.refresh_from_db()
        assert AuditEvent.objects.filter(action="release.live", actor="olga").count() == 1
    assert (release.state, release.decided_by) == ("live", "olga")
    assert release.reasons
    assert texts(shop, "nothing of interest")[0] == WORSE


def test_a_withdrawn_version_is_gone_and_may_be_added_again(shop, gate, put):
    release = put(returns=WORSE)
    with tenant_scope(shop.pk):
        assert deciding.withdraw(release=release, actor="cora")
        assert not Chunk.objects.filter(text=WORSE).exists()
    assert state_of(shop, "returns") == "withdrawn"
    assert put(returns=WORSE).pk != release.pk


def test_it_may_be_checked_again(shop, gate, put):
    release = put(returns=WORSE)
    with tenant_scope(shop.pk):
        ReleaseGate.objects.update(tolerance=1.0)
        assert deciding.check_again(release=release, actor="cora")
        release.refresh_from_db()
    assert run_check(shop, release).state == "live"


def test_a_draft_waits_when_it_is_published(shop, gate, add):
    draft = add("gifts", "Gifts are wrapped.", publish=False)
    with tenant_scope(shop.pk):
        assert services.restore([draft], actor="cora") == 1
        draft.refresh_from_db()
        assert draft.state == Document.State.DRAFT
        release = Release.objects.get()
    assert run_check(shop, release).state == "live"
    assert texts(shop, "gifts wrapped")[0] == "Gifts are wrapped."


def test_what_takes_something_out_of_use_never_waits(shop, gate):
    with tenant_scope(shop.pk):
        services.archive(Document.objects.filter(external_id="returns"), actor="a")
        assert not Release.objects.exists()
    assert "thirty" not in str(texts(shop, "days to return"))


def test_weights_wait_too(shop, gate):
    with tenant_scope(shop.pk):
        change = {"weights": {"dense": 0.5, "rerank": None}}
        release = releasing.request_release(change=change, label="Weights", actor="olga")
        assert not SearchSettings.objects.exists()
    assert run_check(shop, release).state == "live"
    with tenant_scope(shop.pk):
        assert SearchSettings.objects.values_list("dense_weight", "rerank_weight").get() == (0.5, None)


def test_a_prompt_waits_with_its_answers(shop, gate, alice, monkeypatch):
    from agents.prompts import FILES
    from knowledge.evaluation.answers import ANSWERERS, Answered

    asked = []

    def answer(tenant_id, question, expected, candidate):
        asked.append(candidate)
        return Answered("Yes.", {"faithfulness": 0.2 if candidate else 0.9})

    monkeypatch.setattr(ANSWERERS, "answering", answer)
    with tenant_scope(shop.pk):
        draft = versions.save_draft(name="answer", text=FILES.text("answer") + " Be brief.", note="", author=alice)
        release = versions.request_publication(version=draft, actor="alice")
        assert versions.prompts_of_tenant().numbers == {}
    assert run_check(shop, release).reasons[0].startswith("Faithfulness fell from .9 to .2: 3 questions get a worse")
    assert asked == [{}] * 3 + [{"prompt": draft.pk}] * 3
    with tenant_scope(shop.pk):
        deciding.release_anyway(release=release, actor="alice")
        draft.refresh_from_db()
        assert draft.state == PromptState.PUBLISHED


def test_a_prompt_that_is_deleted_meanwhile_cannot_go_live(shop, gate, alice):
    with tenant_scope(shop.pk):
        ReleaseGate.objects.update(enabled=False)
        release = releasing.request_release(change={"prompt": 999_999}, label="Answers 9", actor="alice")
    assert run_check(shop, release).reasons == ["The prompt was deleted."]
