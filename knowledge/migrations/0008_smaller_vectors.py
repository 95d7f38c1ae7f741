import numpy as np
import pgvector.django
from django.db import migrations, models

from knowledge.indexes.buffers import pack_numbers, pack_sentences, unpack_numbers, unpack_sentences
from knowledge.migrations._rows import changed_rows

FIELDS = ["sentences", "token_ids", "token_sentences"]
DIMENSIONS = models.Func("paragraph", function="vector_dims", output_field=models.IntegerField())


def convert(apps, schema_editor):
    """Sentences of float16 become int8; numbers that took two or four bytes take what they need."""
    for row in changed_rows(apps, FIELDS, dimensions=DIMENSIONS):
        sentences = np.frombuffer(row.sentences, np.float16).reshape(-1, row.dimensions)
        row.sentences = pack_sentences(sentences.astype(np.float32))
        row.token_ids = pack_numbers(np.frombuffer(row.token_ids, np.int32))
        row.token_sentences = pack_numbers(np.frombuffer(row.token_sentences, np.int16))


def convert_back(apps, schema_editor):
    """The way back: unit vectors again, as exact as int8 left them, and numbers of four and two bytes."""
    for row in changed_rows(apps, FIELDS, dimensions=DIMENSIONS):
        sentences = unpack_sentences(row.sentences, row.dimensions).astype(np.float32)
        lengths = np.linalg.norm(sentences, axis=1, keepdims=True)
        row.sentences = (sentences / np.maximum(lengths, 1)).astype(np.float16).tobytes()
        row.token_ids = unpack_numbers(row.token_ids).astype(np.int32).tobytes()
        row.token_sentences = unpack_numbers(row.token_sentences).astype(np.int16).tobytes()
    schema_editor.connection.check_constraints()  # a table is not altered while a check of its rows is to come


class Migration(migrations.Migration):

    dependencies = [
        ("knowledge", "0007_vector_drift"),
    ]

    operations = [
        migrations.AlterField(
            model_name="chunkvectors",
            name="paragraph",
            field=pgvector.django.halfvec.HalfVectorField(),
        ),
        migrations.RunPython(convert, convert_back),
    ]
