"""Forms of the evaluation pages."""

from typing import Any

from django import forms
from unfold import widgets

from knowledge.evaluation.errors import EvaluationError
from knowledge.evaluation.expectations import expectations, from_lines
from knowledge.evaluation.importing import LONGEST_ANSWER, LONGEST_QUESTION, NewCase, read_file, read_pair
from knowledge.models import EvaluationCase, EvaluationSet


class SetForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs alone
    """A set by its name."""

    class Meta:
        model = EvaluationSet
        fields = ("name", "description", "nightly")
        widgets = {
            "name": widgets.UnfoldAdminTextInputWidget(),
            "description": widgets.UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            "nightly": widgets.UnfoldBooleanSwitchWidget(),
        }

    def clean_name(self) -> str:
        """The tenant is no field of the form, so that the name is free is looked up here."""
        name: str = self.cleaned_data["name"].strip()
        if EvaluationSet.objects.filter(name=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("There is a set of this name already.")
        return name


class CaseForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs alone
    """A question, with what it should find one a line."""

    # Not made from the model, which would look for sets before there is a tenant to look in.
    set: forms.Field = forms.ModelChoiceField(queryset=None, empty_label=None, widget=widgets.UnfoldAdminSelectWidget())
    should_find = forms.CharField(
        required=False,
        label="Should find",
        max_length=200_000,
        widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One document a line, by its id as the list of documents shows it. Where one passage of it matters, "
        "add a bar and words that the passage holds: returns-policy | within 30 days",
    )

    class Meta:
        model = EvaluationCase
        fields = ("question", "expected_answer", "note", "enabled")
        widgets = {
            "question": widgets.UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            "expected_answer": widgets.UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            "note": widgets.UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            "enabled": widgets.UnfoldBooleanSwitchWidget(),
        }
        labels = {"expected_answer": "A good answer says", "enabled": "On"}
        help_texts = {
            "expected_answer": "Optional: answers are compared with it when a run asks for answers.",
            "enabled": "Off: runs leave it out.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["set"].queryset = EvaluationSet.objects.all()  # type: ignore[attr-defined] # a choice field
        if self.instance.pk:
            wanted = expectations(self.instance.expected, "It")
            self.fields["should_find"].initial = "\n".join(expected.as_line() for expected in wanted)

    def clean_question(self) -> str:
        return _within(self.cleaned_data["question"], LONGEST_QUESTION)

    def clean_expected_answer(self) -> str:
        return _within(self.cleaned_data["expected_answer"], LONGEST_ANSWER)

    def clean_should_find(self) -> list[dict[str, Any]]:
        """As the row has it; how relevant a thing is, which lines do not say, stays what it was."""
        try:
            wanted = from_lines(self.cleaned_data["should_find"])
            before = {expected.key: expected for expected in expectations(self.instance.expected, "It")}
        except EvaluationError as error:
            raise forms.ValidationError(str(error)) from error
        return [before.get(expected.key, expected).as_row() for expected in wanted]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not values.get("should_find") and not values.get("expected_answer"):
            raise forms.ValidationError("Say what should be found, or what a good answer says.")
        return values

    def save(self, commit: bool = True) -> Any:
        self.instance.expected = self.cleaned_data["should_find"]
        return super().save(commit)


class ImportForm(forms.Form):
    """A file of questions, or the pair of files of the command."""

    file = forms.FileField(
        required=False,
        label="A file of questions",
        widget=forms.FileInput(attrs={"class": "aw-files", "accept": ".jsonl,.json,.csv,.tsv"}),
        help_text="JSON Lines of {question, documents, answer}; or CSV with the columns question, documents, quote, "
        "answer, note. Several documents in a cell are parted by semicolons.",
    )
    queries = forms.FileField(
        required=False,
        label="Queries",
        widget=forms.FileInput(attrs={"class": "aw-files"}),
        help_text="JSON Lines of {id, text}.",
    )
    judgements = forms.FileField(
        required=False,
        label="Judgements",
        widget=forms.FileInput(attrs={"class": "aw-files"}),
        help_text="JSON Lines of {query, document, relevance}.",
    )

    def clean(self) -> dict[str, Any]:
        """Read the files: `cases` are their questions."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                values["cases"] = _read(values)
            except EvaluationError as error:
                raise forms.ValidationError(str(error)) from error
        return values


def _read(values: dict[str, Any]) -> list[NewCase]:
    file, queries, judgements = values["file"], values["queries"], values["judgements"]
    if file and not (queries or judgements):
        return read_file(file.read(), file.name)
    if queries and judgements and not file:
        return read_pair(queries.read(), queries.name, judgements.read(), judgements.name)
    raise EvaluationError("Choose one file of questions, or both a file of queries and one of judgements.")


def _within(text: str, longest: int) -> str:
    text = text.replace("\0", "").strip()
    if len(text) > longest:
        raise forms.ValidationError(f"This has {len(text):,} characters; {longest:,} is the most.")
    return text
