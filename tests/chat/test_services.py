import uuid

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from chat import queries, services
from chat.models import Conversation, Feedback, Message, Review, Role, State
from chat.queries import NotFoundError, Person
from tenants.access import Access

SERVER = uuid.uuid4()


@pytest.fixture
def visitor():
    return Person(None, uuid.uuid4())


@pytest.fixture
def post(scope, visitor):
    def posted(text="How long?", *, conversation=None, person=visitor, client_id=None):
        new = services.NewMessage(
            conversation or uuid.uuid4(), conversation is None, client_id or uuid.uuid4().hex, text
        )
        return services.post_message(server=SERVER, tenant=scope, person=person, message=new)

    return posted


def finish(posted, **columns):
    Message.objects.filter(reply_to=posted.message).update(**{"state": State.DONE, "text": "12 hours.", **columns})
    Conversation.objects.filter(pk=posted.conversation).update(server=None)
    return Message.objects.get(reply_to=posted.message)


def test_a_turn_costs_few_statements(post):
    with CaptureQueriesContext(connection) as first:
        posted = post()
    finish(posted)
    with CaptureQueriesContext(connection) as second:
        post(conversation=posted.conversation)
    counted = [len([q for q in c if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]) for c in (first, second)]
    assert counted == [4, 7]


def test_a_title_is_the_first_question_on_one_line(post):
    posted = post("How long\n does\tit last? " + "x" * 300)
    title = Conversation.objects.get(pk=posted.conversation).title
    assert title.startswith("How long does it last? xxx")
    assert len(title) == 120


def test_the_client_id_of_another_conversation_gives_that_one(post):
    first = post(client_id="same")
    finish(first)
    again = post("Other words", conversation=first.conversation, client_id="same")
    assert (again.message, again.frames, again.job) == (first.message, (), None)
    assert Message.objects.filter(role=Role.CUSTOMER).count() == 1


def test_a_conversation_has_one_owner(scope):
    for owners in ({}, {"visitor": uuid.uuid4(), "user_id": 1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Conversation.objects.create(updated_at="2026-01-01T00:00Z", **owners)


def test_history_holds_what_was_said_and_leaves_out_what_failed(post):
    posted = post("One")
    finish(posted)
    failed = post("Two", conversation=posted.conversation)
    finish(failed, state=State.FAILED, text="Sorry")
    Message.objects.create(
        conversation_id=posted.conversation, role=Role.NOTE, text="secret", created_at="2026-01-01T00:00Z"
    )
    job = post("Three", conversation=posted.conversation).job
    told = [(message.role, message.text) for message in job.turn.history]
    assert told == [("customer", "One"), ("assistant", "12 hours."), ("customer", "Two")]
    assert job.turn.history[0].id == str(posted.message)


def test_a_page_resumes_before_an_unfinished_reply(post, visitor):
    posted = post()
    conversation = queries.find_conversation(visitor, posted.conversation)
    assert queries.resume_point(conversation) == 1
    finish(posted)
    assert queries.resume_point(conversation) == conversation.last_seq == 2


def test_a_page_shows_no_notes_and_loads_no_traces(post, visitor):
    posted = post()
    Message.objects.create(
        conversation_id=posted.conversation, role=Role.NOTE, text="x", created_at="2026-01-01T00:00Z"
    )
    messages = list(queries.messages_of(queries.find_conversation(visitor, posted.conversation)))
    assert [m.role for m in messages] == [Role.CUSTOMER, Role.ASSISTANT]
    assert "trace" in messages[1].get_deferred_fields()


def test_feedback_replaces_feedback_and_keeps_the_comment(post, visitor):
    reply = finish(post())
    give = lambda **values: services.give_feedback(person=visitor, message_id=reply.pk, **values)  # noqa: E731 (short for below)
    give(rating=2, comment="Wrong")
    give(rating=None, thumb="down")
    feedback = Feedback.objects.get(message=reply)
    assert (feedback.rating, feedback.thumb, feedback.comment) == (None, "down", "Wrong")


def test_one_may_rename_and_delete_ones_own_conversations_only(post, visitor):
    posted = post()
    stranger = Person(None, uuid.uuid4())
    for change in (
        lambda person: services.rename_conversation(person=person, conversation_id=posted.conversation, title="Mine"),
        lambda person: services.delete_conversation(person=person, conversation_id=posted.conversation),
    ):
        with pytest.raises(NotFoundError):
            change(stranger)
        change(visitor)
    assert not queries.conversations_of(visitor).exists()
    gone = Conversation.objects.get(pk=posted.conversation)
    assert (gone.title, gone.attention) == ("Mine", True)
    assert Message.objects.get(reply_to=posted.message).stop_asked
    with pytest.raises(NotFoundError):
        post(conversation=posted.conversation)


@pytest.mark.parametrize(
    ("title", "kept"), [("  A \n new\0 one ", "A new one"), (" ", "How long?"), ("x" * 500, "x" * 120)]
)
def test_a_title_is_cleaned(post, visitor, title, kept):
    posted = post()
    assert services.rename_conversation(person=visitor, conversation_id=posted.conversation, title=title).title == kept


def test_a_visitor_who_signs_in_keeps_their_conversations(post, visitor, bob):
    posted = post()
    assert services.adopt_visitor(visitor=visitor.visitor, user_id=bob.pk) == 1
    assert not queries.conversations_of(visitor).exists()
    assert queries.find_conversation(Person(bob.pk, None), posted.conversation).user_id == bob.pk


def test_a_person_is_a_user_or_a_visitor(bob):
    assert queries.person_of(Access(bob, uuid.uuid4(), frozenset())) == Person(bob.pk, None)
    with pytest.raises(NotFoundError):
        queries.person_of(Access(None, None, frozenset()))


def test_a_reviewer_reviews_a_reply_once(post, alice):
    reply = finish(post())
    Review.objects.create(message=reply, reviewer=alice, rating=3)
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.create(message=reply, reviewer=alice, rating=4)
