import numpy as np
import pgvector.django
from django.db import migrations, models

from knowledge.indexes.buffers import pack_numbers, pack_sentences
from tenants.scope import tenant_scope

BATCH = 500  # rows, some 10 kB each


def convert(apps, schema_editor):
    """Sentences of float16 become int8; numbers that took two or four bytes take what they need."""
    rows = apps.get_model("knowledge", "ChunkVectors").objects
    dimensions = models.Func("paragraph", function="vector_dims", output_field=models.IntegerField())
    for tenant in apps.get_model("tenants", "Tenant").objects.all():
        with tenant_scope(tenant.pk):
            last, batch = 0, True
            while batch:
                query = rows.filter(tenant=tenant, pk__gt=last).annotate(dimensions=dimensions).defer("paragraph")
                batch = list(query.order_by("pk")[:BATCH])
                for row in batch:
                    last = row.pk
                    sentences = np.frombuffer(row.sentences, np.float16).reshape(-1, row.dimensions)
                    row.sentences = pack_sentences(sentences.astype(np.float32))
                    row.token_ids = pack_numbers(np.frombuffer(row.token_ids, np.int32))
                    row.token_sentences = pack_numbers(np.frombuffer(row.token_sentences, np.int16))
                rows.bulk_update(batch, ["sentences", "token_ids", "token_sentences"])


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
        migrations.RunPython(convert, migrations.RunPython.noop),
    ]
