from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("agents", "0003_sealed_keys")]

    operations = [
        migrations.AddField(
            model_name="providerhealth",
            name="open_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
