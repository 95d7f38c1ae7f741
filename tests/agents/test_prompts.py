import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from agents import preparation, prompts
from agents.models import PromptState, PromptVersion
from agents.prompts import FILES, FORMS, Prompts
from agents.prompts.places import MAX_LENGTH, fill_places, problems_of
from agents.prompts.versions import (
    delete_draft,
    edit_draft,
    make_draft,
    prompts_of_tenant,
    publish,
    save_draft,
    use_file,
)
from tenants.models import AuditEvent
from tenants.scope import tenant_scope

QUESTION = FORMS["question"]
TERSE = "Answer for {tenant} in one word, or write [unknown]."


def test_the_files_are_complete():
    assert {path.stem for path in prompts.FOLDER.glob("*.txt")} == set(FORMS)
    assert [problems_of(prompts.load(name), form) for name, form in FORMS.items()] == [[]] * len(FORMS)
    assert "TechPro" in FILES.fill("answer", tenant="TechPro")
    assert FILES.fill("classify", intents="- refund").endswith('{"intents": ["name", "name"]}')
    assert "{" not in FILES.fill("rewrite")


def test_a_missing_value_or_prompt_is_an_error():
    with pytest.raises(KeyError):
        FILES.fill("answer")
    with pytest.raises(FileNotFoundError):
        FILES.text("nothing")


def test_what_a_tenant_published_stands_in_place_of_the_file():
    own = Prompts({"answer": TERSE}, {"answer": 3})
    assert own.fill("answer", tenant="Acme") == "Answer for Acme in one word, or write [unknown]."
    assert own.fill("question", passages="P", question="Q") == FILES.fill("question", passages="P", question="Q")
    assert (FILES.version, own.version) == (prompts.VERSION, f"{prompts.VERSION}+answer.3")


@given(passages=st.text(), question=st.text())
def test_values_stay_as_they_are_whatever_braces_they_have(passages, question):
    assert FILES.fill("question", passages=passages, question=question) == f"{passages}\n\nQuestion: {question}"


def test_a_value_is_no_template():
    filled = FILES.fill("question", passages="{question}", question="{passages} {0.__class__} }}")
    assert filled == "{question}\n\nQuestion: {passages} {0.__class__} }}"


@given(st.text(alphabet="{}ab \n", max_size=30))
def test_a_template_without_problems_can_be_filled(text):
    template = "{passages}{question}" + text
    if not problems_of(template, QUESTION):
        filled = fill_places(template, {"passages": "{a}", "question": "}"})
        assert filled == "{a}}" + text.replace("{{", "{").replace("}}", "}")


@given(st.dictionaries(st.sampled_from(["{{", "}}", "x", "\n"]), st.integers(0, 3)))
def test_braces_that_are_meant_as_such_come_out_single(parts):
    doubled = "".join(part * times for part, times in parts.items())
    single = "".join({"{{": "{", "}}": "}"}.get(part, part) * times for part, times in parts.items())
    assert problems_of("{told}" + doubled, FORMS["decided"]) == []
    assert fill_places("{told}" + doubled, {"told": "!"}) == "!" + single


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{naem} {passages} {question}", "There is no place {naem}. The places here are: {passages}, {question}."),
        ("{passages.__class__} {passages} {question}", "There is no place {passages.__class_"),
        ("{passages!r:>999999} {passages} {question}", "There is no place {passages!r:>999999"),
        ("{} {passages} {question}", "There is no place {}."),
        ("{passages} {question", "A brace stands alone near “{passages} {question”."),
        ("{passages} question} {question}", "A brace stands alone near"),
        ("{question}", "Keep {passages}: the model has to be told it."),
        (" \n", "A prompt cannot be empty."),
        ("{passages} {question}" + "x" * MAX_LENGTH, "at most 20,000 characters"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(template, said):
    assert any(said in problem for problem in problems_of(template, QUESTION))


def test_the_mark_of_not_knowing_must_stay():
    assert problems_of("Answer for {tenant}.", FORMS["answer"]) == ["Keep [unknown]: the answer is read by it."]


def test_a_draft_is_used_once_it_is_published_and_can_be_rolled_back(scope, alice):
    draft = make_draft(name="answer", author=alice)
    assert (draft.text, draft.number, draft.state) == (prompts.load("answer"), 1, PromptState.DRAFT)
    edit_draft(version=draft, text=f"  {TERSE}\r\n", note="shorter", author=alice)
    assert prompts_of_tenant() == FILES
    draft.refresh_from_db()
    publish(version=draft, actor="alice")
    assert prompts_of_tenant() == Prompts({"answer": TERSE}, {"answer": 1})
    second = save_draft(name="answer", text=TERSE + " Now.", note="", author=alice)
    publish(version=second, actor="alice")
    publish(version=second, actor="alice")
    assert prompts_of_tenant().version == f"{prompts.VERSION}+answer.2"
    draft.refresh_from_db()
    assert draft.state == PromptState.RETIRED
    publish(version=draft, actor="alice")
    assert prompts_of_tenant().text("answer") == TERSE
    use_file(name="answer", author=alice)
    use_file(name="answer", author=alice)
    assert prompts_of_tenant() == FILES
    told = list(AuditEvent.objects.filter(action__startswith="prompt.").order_by("pk").values_list("action", "target"))
    assert told == [
        ("prompt.drafted", "answer 1"),
        ("prompt.edited", "answer 1"),
        ("prompt.published", "answer 1"),
        ("prompt.drafted", "answer 2"),
        ("prompt.published", "answer 2"),
        ("prompt.rolled_back", "answer 1"),
        ("prompt.retired", "answer 1"),
    ]


def test_what_cannot_be_used_is_neither_kept_nor_published(scope, alice):
    with pytest.raises(ValidationError, match=r"no place \{naem\}"):
        save_draft(name="answer", text="{naem} [unknown]", note="", author=alice)
    with pytest.raises(ValidationError, match="no such prompt"):
        make_draft(name="nothing", author=alice)
    draft = make_draft(name="answer", author=alice)
    with pytest.raises(ValidationError, match="stands alone"):
        edit_draft(version=draft, text="{ [unknown]", note="", author=alice)
    broken = PromptVersion.objects.create(name="answer", number=9, text="{naem}")
    with pytest.raises(ValidationError, match="no place"):
        publish(version=broken, actor="alice")
    assert not PromptVersion.objects.filter(state=PromptState.PUBLISHED).exists()


def test_what_was_published_is_not_changed_or_thrown_away(scope, alice):
    draft = make_draft(name="answer", author=alice)
    publish(version=draft, actor="alice")
    with pytest.raises(ValidationError, match="Only drafts"):
        edit_draft(version=draft, text=TERSE, note="", author=alice)
    delete_draft(version=draft, author=alice)
    assert prompts_of_tenant().version.endswith("answer.1")
    other = make_draft(name="answer", author=alice)
    delete_draft(version=other, author=alice)
    assert not PromptVersion.objects.filter(pk=other.pk).exists()


def test_a_broken_prompt_in_the_database_leaves_the_file_in_place(scope, caplog):
    PromptVersion.objects.create(name="answer", number=1, text="Hello {naem}", state=PromptState.PUBLISHED)
    PromptVersion.objects.create(name="gone", number=1, text="Hello", state=PromptState.PUBLISHED)
    PromptVersion.objects.create(name="rewrite", number=2, text="Rewrite it.", state=PromptState.PUBLISHED)
    assert prompts_of_tenant() == Prompts({"rewrite": "Rewrite it."}, {"rewrite": 2})
    assert "no place {naem}" in caplog.text


def test_a_turn_is_prepared_with_what_is_published(scope, alice):
    publish(version=save_draft(name="answer", text=TERSE, note="", author=alice), actor="alice")
    assert preparation.tenant_settings(scope.pk).prompts.text("answer") == TERSE


def test_another_tenant_has_other_prompts(tenant, other_tenant, alice):
    with tenant_scope(tenant.pk):
        publish(version=save_draft(name="answer", text=TERSE, note="", author=alice), actor="alice")
    with tenant_scope(other_tenant.pk):
        assert prompts_of_tenant() == FILES


def test_passages_are_numbered_and_fenced(make_passage):
    fenced = prompts.fence_passages(
        [make_passage("One."), make_passage("Two </passage> x", title='T"', heading=("H",))]
    )
    assert '<passage number="1" from="X1 user manual">\nOne.\n</passage>' in fenced
    assert 'from="T\' > H"' in fenced
    assert fenced.count("</passage>") == 2
