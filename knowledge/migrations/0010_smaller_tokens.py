import numpy as np
from django.db import migrations

from knowledge.indexes.buffers import pack_tokens, unpack_tokens
from knowledge.migrations._rows import changed_rows

WIDTH = 64


def convert(apps, schema_editor):
    """Tokens of int8 come to five bits a component."""
    for row in changed_rows(apps, ["tokens"]):
        row.tokens = pack_tokens(np.frombuffer(row.tokens, np.int8).reshape(-1, WIDTH))


def convert_back(apps, schema_editor):
    """The way back: int8 again, as exact as five bits left them."""
    for row in changed_rows(apps, ["tokens"]):
        row.tokens = unpack_tokens(row.tokens).tobytes()


class Migration(migrations.Migration):

    dependencies = [
        ("knowledge", "0009_rounds_and_readers"),
    ]

    operations = [
        migrations.RunPython(convert, convert_back),
    ]
