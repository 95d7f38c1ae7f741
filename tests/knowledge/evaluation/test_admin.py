"""The evaluation pages: who may come, what they show, what they do."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from procrastinate.contrib.django.models import ProcrastinateJob

from knowledge.evaluation.runs import carry_out, create_run
from knowledge.models import EvaluationCase, EvaluationRun, EvaluationSet
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tests.conftest import person

pytestmark = pytest.mark.django_db
SETS, CASES = "/admin/knowledge/evaluationset/", "/admin/knowledge/evaluationcase/"
RUNS = "/admin/knowledge/evaluationrun/"
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def curator(tenant, client, files, embedder):
    user = person(tenant, "cora", Role.CURATOR)
    client.force_login(user)
    return user


@pytest.fixture
def basics(tenant, add):
    """A set of two questions about two documents."""
    add("returns", "You have 30 days to return a laptop.", title="Returns")
    add("shipping", "Parcels arrive within two days.", title="Shipping")
    with tenant_scope(tenant.pk):
        made = EvaluationSet.objects.create(name="Basics")
        for question, document in (("Days to return a laptop?", "returns"), ("When do parcels arrive?", "shipping")):
            EvaluationCase.objects.create(set=made, question=question, expected=[{"document": document}])
    return made


def run_of(tenant, made, label="", **candidate):
    with tenant_scope(tenant.pk):
        run = create_run(evaluation_set=made, candidate=candidate, label=label, with_answers=False, actor="cora")
    carry_out(tenant.pk, run.pk)
    return run


def page(client, url, **options):
    response = client.get(url, **options)
    assert response.status_code == 200
    return response.content.decode()


def texts(response):
    return [str(message) for message in response.context["messages"]]


def test_who_may_come_in(client, tenant, curator, basics, bob, charlie, alice):
    run = run_of(tenant, basics)
    read = [SETS, f"{SETS}{basics.pk}/change/", CASES, f"{CASES}add/", f"{RUNS}{run.pk}/change/"]
    change = [f"{SETS}add/", f"{SETS}{basics.pk}/import/", f"{SETS}{basics.pk}/edit/"]
    for user in (curator, alice):
        client.force_login(user)
        assert {url: client.get(url).status_code for url in read + change} == dict.fromkeys(read + change, 200)
    client.force_login(person(tenant, "rita", Role.REVIEWER))
    assert {url: client.get(url).status_code for url in read} == dict.fromkeys(read, 200)
    assert [client.get(url).status_code for url in change[:2]] == [403, 403]
    for action in ("stop", "retry"):
        assert client.post(f"{RUNS}{run.pk}/{action}/").status_code == 403
    assert client.post(f"{SETS}{basics.pk}/run/").status_code == 403
    for user in (person(tenant, "agnes", Role.AGENT), bob, charlie):
        client.force_login(user)
        assert {client.get(url, follow=True).status_code for url in read + change} == {403}


def test_another_tenants_set_is_not_there(client, tenant, other_tenant, curator, basics):
    run = run_of(tenant, basics)
    client.force_login(person(other_tenant, "olaf", Role.OWNER))
    for url in (f"{SETS}{basics.pk}/change/", f"{RUNS}{run.pk}/change/", f"{CASES}1/change/"):
        assert "Basics" not in client.get(url, follow=True).content.decode()
    for url in (f"{SETS}{basics.pk}/import/", f"{SETS}{basics.pk}/export/", f"{RUNS}{run.pk}/progress/"):
        assert client.get(url).status_code == 404


@pytest.mark.usefixtures("curator")
def test_a_set_is_made_asked_and_compared(client, tenant, basics):
    response = client.post(f"{SETS}{basics.pk}/run/", {"label": "Before"})
    with tenant_scope(tenant.pk):
        run = EvaluationRun.objects.get()
    assert response.url == f"{RUNS}{run.pk}/change/"
    assert ProcrastinateJob.objects.filter(task_name="knowledge.evaluate", args__run_id=run.pk).exists()
    shown = page(client, response.url)
    assert "hx-get" in shown
    assert "<progress" in shown
    carry_out(tenant.pk, run.pk)
    assert client.get(f"{RUNS}{run.pk}/progress/").headers["HX-Refresh"] == "true"
    shown = page(client, response.url)
    assert "Recall@5" in shown
    assert "Done" in shown
    again = run_of(tenant, basics, "After")
    shown = page(client, f"{SETS}{basics.pk}/change/")
    assert "<polyline" in shown
    assert shown.count('type="radio"') == 4
    shown = page(client, f"{RUNS}compare/?a={run.pk}&b={again.pk}")
    assert "None of 2 questions changed." in shown


@pytest.mark.usefixtures("curator")
def test_what_changed_is_listed_with_both_rankings(client, tenant, basics, add):
    before = run_of(tenant, basics)
    add("returns", "Nothing about that any more. Ask a person.", title="Returns")
    add("copy", "You have 30 days to return a laptop.", title="Copy")
    after = run_of(tenant, basics)
    with tenant_scope(tenant.pk):
        case = EvaluationCase.objects.get(question__contains="laptop")
    shown = page(client, f"{RUNS}compare/?a={before.pk}&b={after.pk}&measure=recall@1")
    assert "1 question got worse, 0 better: this may be chance." in shown
    assert "Days to return a laptop?" in shown
    pair = page(client, f"{RUNS}{before.pk}/beside/{after.pk}/{case.pk}/")
    assert pair.index("Before") < pair.index("After")
    assert "Copy" in pair
    assert "Returns" in page(client, f"{RUNS}{after.pk}/questions/{case.pk}/")


@pytest.mark.usefixtures("curator")
@pytest.mark.parametrize("query", ["", "?a=1&b=1", "?a=x&b=9", "?a=999&b=998"])
def test_runs_that_cannot_be_compared(client, basics, query):
    assert basics
    assert client.get(f"{RUNS}compare/{query}", follow=True).status_code in {200, 404}


@pytest.mark.usefixtures("curator")
def test_questions_are_written_and_what_is_wrong_is_flagged(client, tenant, basics):
    data = {"set": basics.pk, "question": f"Boxes? {EVIL}", "enabled": "on"}
    data["should_find"] = "returns | 30 DAYS\nreturns | opened boxes\nnowhere\n"
    response = client.post(f"{CASES}add/", data, follow=True)
    told = " ".join(texts(response))
    assert "No live document has the id “nowhere”" in told
    assert "No passage of “Returns” holds “opened boxes”" in told
    with tenant_scope(tenant.pk):
        case = EvaluationCase.objects.get(question__contains="Boxes")
    assert [row.get("quote", "") for row in case.expected] == ["30 DAYS", "opened boxes", ""]
    shown = page(client, CASES)
    assert EVIL not in shown
    assert len(re.findall("no live document", shown)) == 1
    assert len(re.findall("no passage says this", shown)) == 1
    shown = page(client, f"{SETS}{basics.pk}/change/")
    assert "nowhere" in shown
    assert "returns | opened boxes" in page(client, f"{CASES}{case.pk}/change/")


@pytest.mark.usefixtures("curator")
@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"should_find": "| only a quote"}, "Line 1: the id of a document is missing"),
        ({"should_find": ""}, "Say what should be found"),
        ({"question": ""}, "This field is required"),
        ({"question": "long " * 30_000}, "100,000 is the most"),
        ({"should_find": "\n".join(map(str, range(101)))}, "at most 100 things"),
    ],
)
def test_bad_questions_are_refused_in_plain_words(client, basics, wrong, complaint):
    data = {"set": basics.pk, "question": "What?", "should_find": "returns"} | wrong
    assert complaint in client.post(f"{CASES}add/", data).content.decode()


def test_reviewers_add_questions_and_change_none(client, tenant, curator, basics):
    assert curator
    client.force_login(person(tenant, "rita", Role.REVIEWER))
    data = {"set": basics.pk, "question": "Express?", "should_find": "shipping", "enabled": "on"}
    assert client.post(f"{CASES}add/", data).status_code == 302
    with tenant_scope(tenant.pk):
        case = EvaluationCase.objects.get(question="Express?")
    assert client.post(f"{CASES}{case.pk}/change/", data).status_code == 403
    assert client.post(f"{CASES}{case.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.usefixtures("curator")
def test_files_come_in_whole_or_not_at_all_and_go_out_again(client, tenant, basics):
    url = f"{SETS}{basics.pk}/import/"
    bad = SimpleUploadedFile("q.jsonl", b'{"question": "New?", "documents": ["returns"]}\n\x7bnonsense')
    shown = client.post(url, {"file": bad}).content.decode()
    assert "q.jsonl, line 2: this is not JSON" in shown
    good = SimpleUploadedFile("q.csv", b"question,documents,quote,answer\nNew?,returns;shipping,,30 days\n")
    assert "1 new questions." in " ".join(texts(client.post(url, {"file": good}, follow=True)))
    exported = client.get(f"{SETS}{basics.pk}/export/")
    lines = exported.content.decode().splitlines()
    assert len(lines) == 3
    assert '"answer": "30 days"' in lines[2]
    again = SimpleUploadedFile("q.jsonl", exported.content)
    assert "0 new questions. 3 were there already." in " ".join(texts(client.post(url, {"file": again}, follow=True)))
    assert "Choose one file" in client.post(url).content.decode()


@pytest.mark.usefixtures("curator")
def test_sets_are_made_edited_and_deleted(client, tenant):
    assert client.post(f"{SETS}add/", {"name": "Fresh", "description": ""}).status_code == 302
    assert "already" in client.post(f"{SETS}add/", {"name": "Fresh"}).content.decode()
    with tenant_scope(tenant.pk):
        made = EvaluationSet.objects.get()
    told = " ".join(texts(client.post(f"{SETS}{made.pk}/run/", follow=True)))
    assert "add questions first" in told
    client.post(f"{SETS}{made.pk}/edit/", {"name": "Fresher", "nightly": "on"})
    with tenant_scope(tenant.pk):
        made.refresh_from_db()
        assert (made.name, made.nightly) == ("Fresher", True)
    client.post(f"{SETS}{made.pk}/delete/", {"post": "yes"})
    with tenant_scope(tenant.pk):
        assert not EvaluationSet.objects.exists()
        done = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"evaluation.set_created", "evaluation.set_edited", "evaluation.set_deleted"} <= done


def test_many_questions_do_not_make_the_list_slow(client, tenant, curator, basics, django_assert_max_num_queries):
    assert curator
    with tenant_scope(tenant.pk):
        rows = [
            EvaluationCase(tenant=tenant, set=basics, question=f"Q{n}", expected=[{"document": f"d{n % 9}"}])
            for n in range(10_000)
        ]
        EvaluationCase.objects.bulk_create(rows)
    with django_assert_max_num_queries(40):
        page(client, CASES)
    with django_assert_max_num_queries(40):
        assert "d8" in page(client, f"{SETS}{basics.pk}/change/")
