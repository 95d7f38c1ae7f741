"""Changes that another server makes: marked first, asked under one key, repeated once, then a person looks."""

from datetime import timedelta

import pytest

from agents.actions import approve, running
from agents.actions.jobs import recover_running, run_action
from agents.actions.signals import settled
from agents.models import Action, ActionState, HttpTool, ToolKind
from agents.tools.base import Tool, ToolError, ToolResult
from tenants.models import Role
from tenants.scope import tenant_scope
from tests.conftest import person

pytestmark = pytest.mark.django_db

ARGUMENTS = {"day": "Monday", "note": "two people"}


class Server:
    """Another server behind a tool; `answers` are what it does, in order, the last one again and again."""

    def __init__(self, *answers):
        self.answers, self.keys = list(answers), []

    def __call__(self, context, **arguments):
        assert arguments == ARGUMENTS
        self.keys.append(context.key)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return ToolResult(answer)


@pytest.fixture
def make_tool(monkeypatch):
    def make(*answers, summary="Book a fitting on {day}"):
        server = Server(*answers)
        tool = Tool("book_fitting", "Books.", ToolKind.CHANGE, {}, server, external=True, summary=summary, scoped=False)
        for module in ("agents.actions.running", "agents.actions.decisions"):
            monkeypatch.setattr(f"{module}.find_tool", lambda *_: tool)
        return tool, server

    return make


@pytest.fixture
def told():
    """What was told upward."""
    heard = []

    def hear(decided, **_):
        heard.append(decided)

    settled.connect(hear)
    yield heard
    settled.disconnect(hear)


def test_it_is_not_tried_before_it_is_confirmed(talk, make_tool):
    tool, server = make_tool({"ok": True})
    action = talk.propose(tool=tool, **ARGUMENTS)
    assert server.keys == []
    assert action.summary == "Book a fitting on Monday."
    assert action.detail["lines"] == ["day: Monday", "note: two people"]


def test_a_summary_that_names_no_argument_falls_back(talk, make_tool):
    tool, _ = make_tool({}, summary="Book on {date.__class__}")
    assert talk.propose(tool=tool, **ARGUMENTS).summary == "Book fitting; day: Monday; note: two people."


def test_confirmed_it_is_asked_for_once_under_the_actions_key(talk, make_tool):
    tool, server = make_tool({"booking": 7})
    action = talk.propose(tool=tool, **ARGUMENTS)
    decided = talk.decide(action)
    assert decided.ok
    assert decided.data == {"booking": 7}
    assert decided.outcome == "Done: Book a fitting on Monday."
    assert not talk.decide(action).ran
    assert server.keys == [str(action.pk)]


def test_it_is_marked_as_running_before_it_is_asked_for(talk, make_tool):
    states = []

    def look():
        states.append(talk.again(action).state)
        return {}

    tool, server = make_tool({})
    server.answers = [None]
    action = talk.propose(tool=tool, **ARGUMENTS)
    looking = Tool(**{**{name: getattr(tool, name) for name in tool.__slots__}, "function": lambda *_, **__: look()})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "find_tool", lambda *_: looking)
        talk.decide(action)
    assert states == [ActionState.RUNNING]


@pytest.mark.parametrize("code", ["refused", "not_found"])
def test_a_server_that_refuses_has_changed_nothing(talk, make_tool, code):
    tool, _ = make_tool(ToolError("No such fitting room.", code=code))
    decided = talk.decide(talk.propose(tool=tool, **ARGUMENTS))
    assert decided.state == ActionState.FAILED
    assert "Nothing was changed" in decided.outcome
    assert decided.data["error"] == "No such fitting room."


def test_a_server_that_fails_is_looked_into_by_a_person(talk, make_tool):
    tool, _ = make_tool(ToolError("The server answered with status 500", code="tool_failure"))
    decided = talk.decide(talk.propose(tool=tool, **ARGUMENTS))
    assert (decided.state, decided.handover) == (ActionState.FAILED, "tool_failure")
    assert "Nothing was changed" not in decided.outcome


def test_a_server_that_does_not_answer_is_asked_once_more_under_the_same_key(talk, make_tool, told):
    tool, server = make_tool(ToolError("late", code="timeout"), {"booking": 7})
    action = talk.propose(tool=tool, **ARGUMENTS)
    assert talk.decide(action).state == ActionState.RUNNING
    assert recover_running(older_than=timedelta(minutes=1)) == 0, "it is given its time"
    assert recover_running(older_than=timedelta(0)) == 1
    assert talk.again(action).state == ActionState.DONE
    assert server.keys == [str(action.pk)] * 2
    assert [(decided.state, decided.handover) for decided in told] == [(ActionState.DONE, "")]
    assert recover_running(older_than=timedelta(0)) == 0


def test_a_server_that_never_answers_is_a_persons_matter(talk, make_tool, told):
    tool, server = make_tool(ToolError("late", code="timeout"))
    action = talk.propose(tool=tool, **ARGUMENTS)
    talk.decide(action)
    recover_running(older_than=timedelta(0))
    row = talk.again(action)
    assert row.state == ActionState.FAILED
    assert "cannot say whether" in row.outcome
    assert [(decided.state, decided.handover) for decided in told] == [(ActionState.FAILED, "tool_failure")]
    assert len(server.keys) == 2


def test_a_process_that_dies_while_asking_leaves_it_to_the_next(talk, make_tool, told):
    tool, server = make_tool(SystemExit(), SystemExit(), {"booking": 7})
    action = talk.propose(tool=tool, **ARGUMENTS)
    with pytest.raises(SystemExit):
        talk.decide(action)
    assert talk.again(action).state == ActionState.RUNNING
    with pytest.raises(SystemExit):
        recover_running(older_than=timedelta(0))
    recover_running(older_than=timedelta(0))
    assert talk.again(action).state == ActionState.FAILED, "asked twice, it is not asked a third time"
    assert len(server.keys) == 2
    assert told[-1].handover == "tool_failure"


def test_an_approved_one_is_run_by_a_worker(talk, make_tool, told):
    talk.policy(daily_changes=0)
    agent = person(talk.tenant, "adam", Role.AGENT)
    tool, server = make_tool({"booking": 7})
    action = talk.propose(tool=tool, **ARGUMENTS)
    assert talk.decide(action).state == ActionState.APPROVAL
    with tenant_scope(talk.tenant.pk):
        assert approve(action_id=action.pk, by=agent).state == ActionState.RUNNING
    assert server.keys == []
    run_action(talk.tenant.pk, str(action.pk))
    run_action(talk.tenant.pk, str(action.pk))
    assert server.keys == [str(action.pk)]
    assert told[0].ok


def test_a_curators_tool_is_proposed_and_run(talk, monkeypatch):
    sent = []

    def send(request, **_):
        sent.append(request)
        raise AssertionError

    monkeypatch.setattr("agents.tools.http.send", send)
    with tenant_scope(talk.tenant.pk):
        HttpTool.objects.create(
            name="book_fitting",
            description="Books a fitting.",
            kind=ToolKind.CHANGE,
            method="POST",
            url="https://shop.example/fittings",
            arguments=[{"name": name, "type": "string", "where": "body", "required": True} for name in ARGUMENTS],
            summary="Book a fitting on {day}",
        )
        from agents.tools.registry import find_tool

        tool = find_tool(talk.tenant.pk, "book_fitting")
    action = talk.propose(tool=tool, **ARGUMENTS)
    assert sent == []
    talk.decide(action)
    assert [request.headers["Idempotency-Key"] for request in sent] == [str(action.pk)]
    with tenant_scope(talk.tenant.pk):
        assert Action.objects.get().state == ActionState.RUNNING, "nobody knows what became of it"
