"""The command that adds examples from a file."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from agents.models import Intent, IntentExample
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def teach(tenant, tmp_path):
    """Writes lines to a file and has them taught; returns what was printed."""

    def run(*lines):
        file = tmp_path / "examples.jsonl"
        file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
        out = io.StringIO()
        call_command("teach", tenant.slug, str(file), json=True, stdout=out)
        return json.loads(out.getvalue())

    return run


def test_examples_make_their_intents_once(teach, tenant):
    lines = [
        {"text": "My card was eaten", "intent": "card_swallowed"},
        {"text": "The machine kept my card", "intent": "card_swallowed"},
        {"text": "Lower my limit", "intent": "limits"},
    ]
    assert teach(*lines) == {"examples": 3, "intents": 2}
    assert teach(*lines) == {"examples": 0, "intents": 2}
    with tenant_scope(tenant.pk):
        assert sorted(Intent.objects.values_list("name", flat=True)) == ["card_swallowed", "limits"]
        assert IntentExample.objects.count() == 3


@pytest.mark.parametrize("bad", ["{", "[]", '{"text": "x"}', '{"text": "x", "intent": "two words"}', '{"intent": 5}'])
def test_a_wrong_line_is_named_and_nothing_is_added(teach, tenant, bad):
    with pytest.raises(CommandError, match="line 2"):
        teach({"text": "Lower my limit", "intent": "limits"}, bad)
    with tenant_scope(tenant.pk):
        assert not Intent.objects.exists()
