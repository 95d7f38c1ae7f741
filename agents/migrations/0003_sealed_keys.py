from django.db import migrations, models

from tenants.secrets import seal, unseal
from tenants.scope import tenant_scope


def seal_secrets(apps, schema_editor):
    for row in _rows(apps):
        row.sealed_secret = seal(row.secret)
        row.save(update_fields=["sealed_secret"])


def unseal_secrets(apps, schema_editor):
    for row in _rows(apps):
        row.secret = unseal(row.sealed_secret)
        row.save(update_fields=["secret"])


def _rows(apps):
    """The HTTP tools of every tenant, each in its scope: the tables show nothing outside of one."""
    for tenant in apps.get_model("tenants", "Tenant").objects.order_by("pk"):
        with tenant_scope(tenant.pk):
            yield from apps.get_model("agents", "HttpTool").objects.filter(tenant_id=tenant.pk)


class Migration(migrations.Migration):

    dependencies = [
        ("agents", "0002_model_layer"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="languagemodel",
            name="private",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name="httptool",
            name="sealed_secret",
            field=models.TextField(blank=True, default="", editable=False),
            preserve_default=False,
        ),
        migrations.RunPython(seal_secrets, unseal_secrets, elidable=False),
        migrations.RemoveField(model_name="httptool", name="secret"),
    ]
