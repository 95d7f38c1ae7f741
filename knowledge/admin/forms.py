"""Forms for adding documents and for their metadata."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django import forms
from unfold import widgets

from knowledge.models import Document
from knowledge.services import FIELDS, MAX_TITLE

REPLACE, KEEP = "replace", "keep"
MAX_TEXT = 500_000  # characters typed in


class DateInput(forms.DateInput):
    """The browser's own picker of dates."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(attrs={"class": " ".join(widgets.INPUT_CLASSES)}, format="%Y-%m-%d")


def metadata_widgets() -> dict[str, forms.Widget]:
    """The widgets of a document's metadata, in the look of the admin."""
    texts = ("title", "language", "category", "audience", "product")
    return {
        **{name: widgets.UnfoldAdminTextInputWidget() for name in texts},
        "source_url": widgets.UnfoldAdminURLInputWidget(),
        "valid_from": DateInput(),
        "valid_until": DateInput(),
    }


class MetadataForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs alone
    """A document's metadata."""

    class Meta:
        model = Document
        fields = FIELDS
        widgets = metadata_widgets()
        field_classes = {"source_url": partial(forms.URLField, assume_scheme="https")}


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; `cleaned_data` holds a list, of empty files too, which are refused one by one."""

    widget = FilesInput

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_empty_file=True, **options)

    def clean(self, data: Sequence[Any] | None, initial: Any = None) -> list[Any]:
        return [super(FilesField, self).clean(file, initial) for file in data or []]


class AddDocumentsForm(MetadataForm):
    """Files, an address or a text, with metadata that all of them get."""

    files = FilesField(  # type: ignore[assignment] # the form's own `files` is an attribute of its instances
        required=False,
        widget=FilesInput(attrs={"class": "aw-files"}),
        label="Any number of files",
        help_text="PDF, Word, PowerPoint, Excel, CSV, HTML, Markdown, reStructuredText, plain text, e-mail, EPUB; "
        "or JSON Lines of {id, title, text, metadata}, one document a line. Up to 100 MB each.",
    )
    same_name = forms.ChoiceField(
        label="When a file of the same name is here already",
        choices=[(REPLACE, "The new file takes its place"), (KEEP, "Keep both")],
        initial=REPLACE,
        widget=widgets.UnfoldAdminSelectWidget(),
    )
    address = forms.URLField(
        required=False,
        assume_scheme="https",
        max_length=2000,
        label="Web address",
        widget=widgets.UnfoldAdminURLInputWidget(attrs={"placeholder": "https://"}),
        help_text="A public page or file; it is fetched once, up to 25 MB.",
    )
    text = forms.CharField(
        required=False,
        max_length=MAX_TEXT,
        widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text="Write in Markdown if you like: # begins a heading.",
    )
    title = forms.CharField(
        required=False,
        max_length=MAX_TITLE,
        widget=widgets.UnfoldAdminTextInputWidget(),
        help_text="A text needs one. For a single file or address: empty takes the title that it has itself.",
    )
    publish = forms.BooleanField(
        label="Use in answers as soon as it has been read",
        required=False,
        initial=True,
        widget=widgets.UnfoldBooleanWidget(),
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not (values.get("files") or values.get("address") or values.get("text")):
            raise forms.ValidationError("Choose files, give an address or write a text.")
        if values.get("text") and not values.get("title"):
            self.add_error("title", "A text needs a title.")
        return values

    def metadata(self) -> dict[str, str]:
        """What all the documents get; a title is for a single one."""
        values = {name: self.cleaned_data.get(name) for name in FIELDS if name != "title"}
        return {name: str(value) for name, value in values.items() if value}
