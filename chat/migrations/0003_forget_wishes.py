from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("chat", "0002_handover"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='conversation',
            name='handover_queue',
        ),
        migrations.RemoveField(
            model_name='conversation',
            name='handover_reason',
        ),
        migrations.RemoveField(
            model_name='conversation',
            name='needs_person',
        ),
    ]
