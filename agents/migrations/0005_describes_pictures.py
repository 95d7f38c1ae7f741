"""A model may be asked for captions of pictures, which the figures count by themselves."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0004_provider_open_until")]

    operations = [
        migrations.AddField(
            model_name="languagemodel",
            name="describes_pictures",
            field=models.BooleanField(
                default=False,
                help_text="Writes captions for the pictures in documents; only for a model that takes pictures.",
            ),
        ),
        migrations.AlterField(
            model_name="modelcall",
            name="feature",
            field=models.CharField(
                choices=[
                    ("answer", "Answers"),
                    ("rewrite", "Reading follow-ups"),
                    ("classify", "Telling intents"),
                    ("judge", "Judging answers"),
                    ("trial", "Trials of models and prompts"),
                    ("describe", "Captions of pictures"),
                ],
                default="answer",
                max_length=10,
            ),
        ),
    ]
