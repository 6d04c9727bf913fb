import django.db.models.deletion
import django.utils.timezone
import tenants.ids
from django.db import migrations, models
from tenants.wall import BuildWall


class Migration(migrations.Migration):

    dependencies = [
        ('inference', '0005_reviews'),
        ('tenants', '0002_data_keys'),
    ]

    operations = [
        migrations.CreateModel(
            name='Crosswalk',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key_id', models.UUIDField()),
                ('sealed', models.BinaryField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('study', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='crosswalk', to='inference.study')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='CrosswalkEntry',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('sealed', models.BinaryField()),
                ('crosswalk', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='entries', to='inference.crosswalk')),
                ('instance', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='crosswalk_entry', to='inference.instance')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name_plural': 'crosswalk entries',
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='Deidentification',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('mode', models.CharField(choices=[('off', 'Keep files as they come'), ('pseudonymise', 'Pseudonymise, with a sealed way back'), ('anonymise', 'Anonymise, without a way back')], max_length=12)),
                ('profile', models.CharField(max_length=32)),
                ('files', models.PositiveIntegerField(default=0)),
                ('counts', models.JSONField(default=dict)),
                ('private', models.PositiveIntegerField(default=0)),
                ('unknown', models.PositiveIntegerField(default=0)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('study', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='deidentification', to='inference.study')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='Hold',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('signs', models.JSONField(default=list)),
                ('held_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('released_at', models.DateTimeField(editable=False, null=True)),
                ('released_by', models.CharField(blank=True, editable=False, max_length=200)),
                ('study', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='hold', to='inference.study')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(condition=models.Q(('released_at', None)), fields=['tenant', 'held_at'], name='hold_open')],
            },
        ),
        migrations.CreateModel(
            name='PrivacyRule',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('mode', models.CharField(choices=[('off', 'Keep files as they come'), ('pseudonymise', 'Pseudonymise, with a sealed way back'), ('anonymise', 'Anonymise, without a way back')], default='off', max_length=12, verbose_name='identity')),
                ('burned_in', models.CharField(choices=[('accept', 'Accept'), ('hold', 'Hold until a person has looked'), ('refuse', 'Refuse')], default='accept', max_length=8, verbose_name='names in the pixels')),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('tenant',), name='privacy_rule_once')],
            },
        ),
        BuildWall(["privacyrule", "deidentification", "crosswalk", "crosswalkentry", "hold"]),
    ]
