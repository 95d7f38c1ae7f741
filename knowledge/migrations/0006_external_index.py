import django.db.models.deletion
from django.db import migrations, models

from tenants.policies import EnableTenantPolicy


class Migration(migrations.Migration):

    dependencies = [
        ('knowledge', '0005_evaluation'),
        ('tenants', '0002_tiers'),
    ]

    operations = [
        migrations.CreateModel(
            name='ExternalIndex',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('engine', models.CharField(choices=[('qdrant', 'Qdrant')], default='qdrant', max_length=12)),
                ('model', models.CharField(help_text='The embedder whose vectors it has.', max_length=120)),
                ('version', models.BigIntegerField(default=-1, help_text='The knowledge version that it shows; -1: it is not filled yet.')),
                ('recall', models.FloatField(help_text='Share of the exact nearest passages that it found.', null=True)),
                ('serves', models.BooleanField(default=False)),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('tenant',), name='one_external_index_per_tenant')],
            },
        ),
        EnableTenantPolicy('knowledge_externalindex'),
    ]
