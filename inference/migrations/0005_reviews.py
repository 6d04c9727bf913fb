"""What people do to results, and the guards around it."""

import django.db.models.deletion
import django.utils.timezone
import tenants.ids
from django.conf import settings
from django.db import migrations, models

import inference.guards
import tenants.wall


class Migration(migrations.Migration):

    dependencies = [
        ('inference', '0004_outputs'),
        ('tenants', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveField(
            model_name='finding',
            name='review_status',
        ),
        migrations.AddField(
            model_name='finding',
            name='by_person',
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name='Signature',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('signer', models.CharField(max_length=150)),
                ('sequence', models.PositiveIntegerField()),
                ('signed_sha256', models.CharField(max_length=64)),
                ('at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('result', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='signature', to='inference.result')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='Addendum',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('text', models.TextField()),
                ('author', models.CharField(max_length=254)),
                ('at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('result', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='addenda', to='inference.result')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'addenda',
                'ordering': ['number'],
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('tenant', 'result', 'number'), name='addendum_number_once')],
            },
        ),
        migrations.CreateModel(
            name='LabelledExample',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('plugin', models.SlugField(max_length=64)),
                ('version', models.CharField(max_length=32)),
                ('weights_sha256', models.CharField(blank=True, max_length=64)),
                ('verdict', models.CharField(choices=[('accepted', 'Accepted'), ('edited', 'Edited'), ('rejected', 'Rejected'), ('added', 'Added'), ('withdrawn', 'Withdrawn'), ('concluded', 'Concluded')], max_length=12)),
                ('before', models.JSONField(null=True)),
                ('after', models.JSONField(null=True)),
                ('instances_sha256', models.JSONField(default=list)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('finding', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inference.finding')),
                ('result', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inference.result')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(fields=['plugin', 'version'], name='example_of_model')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'finding'), name='example_once')],
            },
        ),
        migrations.CreateModel(
            name='LearningConsent',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('given', models.BooleanField(default=False, verbose_name='given')),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('tenant',), name='learning_consent_once')],
            },
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('sequence', models.PositiveIntegerField()),
                ('act', models.CharField(choices=[('accepted', 'Accepted'), ('edited', 'Edited'), ('rejected', 'Rejected'), ('added', 'Added'), ('withdrawn', 'Withdrawn'), ('concluded', 'Concluded')], max_length=12)),
                ('body', models.JSONField(null=True)),
                ('text', models.TextField(blank=True)),
                ('actor', models.CharField(max_length=200)),
                ('at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('finding', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='reviews', to='inference.finding')),
                ('result', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reviews', to='inference.result')),
                ('reviewer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ['sequence'],
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(fields=['finding', '-sequence'], name='review_latest')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'result', 'sequence'), name='review_sequence_once'), models.CheckConstraint(condition=models.Q(models.Q(('act', 'concluded'), ('finding__isnull', True)), models.Q(models.Q(('act', 'concluded'), _negated=True), ('finding__isnull', False)), _connector='OR'), name='review_of_a_finding')],
            },
        ),
        tenants.wall.BuildWall(["Review", "Signature", "Addendum", "LearningConsent", "LabelledExample"]),
        tenants.wall.AppendOnly(["Review", "Signature", "Addendum"]),
        inference.guards.SignatureCloses(),
    ]
