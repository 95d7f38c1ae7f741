"""What migrations that change stored vectors share: rows of every tenant, a batch at a time."""

from tenants.scope import tenant_scope

BATCH = 500  # rows, some 10 kB each


def changed_rows(apps, fields, **annotations):
    """Every row of vectors of every tenant; what was done to its `fields` is saved, a batch at a time."""
    rows = apps.get_model("knowledge", "ChunkVectors").objects
    for tenant in apps.get_model("tenants", "Tenant").objects.all():
        with tenant_scope(tenant.pk):
            last, batch = 0, True
            while batch:
                query = rows.filter(tenant=tenant, pk__gt=last).annotate(**annotations).defer("paragraph")
                batch = list(query.order_by("pk")[:BATCH])
                yield from batch
                rows.bulk_update(batch, fields)
                last = batch[-1].pk if batch else last
