from django.db import migrations, models
import django.core.validators
import django.db.models.deletion

from tenants.apps import make_tiers


def seed(apps, schema_editor):
    make_tiers(apps=apps, using=schema_editor.connection.alias)


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='RateTier',
            fields=[
                ('slug', models.SlugField(max_length=40, primary_key=True, serialize=False, verbose_name='code')),
                ('name', models.CharField(max_length=80)),
                ('turns_per_hour', models.PositiveIntegerField(blank=True, help_text='Of one customer; empty: any number.', null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='turns an hour')),
                ('address_turns_per_hour', models.PositiveIntegerField(blank=True, help_text='Of everybody who comes from one network address; empty: any number.', null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='turns an hour from one address')),
            ],
            options={
                'ordering': ['turns_per_hour', 'slug'],
            },
        ),
        migrations.RunPython(seed, migrations.RunPython.noop),
        migrations.AddField(
            model_name='tenant',
            name='tier',
            field=models.ForeignKey(default='pro', help_text='How many turns its customers may take.', on_delete=django.db.models.deletion.PROTECT, related_name='tenants', to='tenants.ratetier'),
        ),
    ]
