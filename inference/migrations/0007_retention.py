import django.db.models.deletion
import django.utils.timezone
import tenants.ids
from django.db import migrations, models
from tenants.wall import BuildWall


class Migration(migrations.Migration):

    dependencies = [
        ('inference', '0006_deidentification'),
        ('tenants', '0002_data_keys'),
    ]

    operations = [
        migrations.CreateModel(
            name='LegalHold',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('placed_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('placed_by', models.CharField(max_length=200)),
                ('study', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='legal_hold', to='inference.study')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='RetentionRule',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('studies', 'Studies with their files'), ('results', 'Results with their findings'), ('artifacts', 'Pictures and exports of results'), ('inputs', 'Inputs sent along with a job')], max_length=12, verbose_name='kind')),
                ('days', models.PositiveIntegerField(verbose_name='days')),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('tenant', 'kind'), name='retention_rule_once')],
            },
        ),
        BuildWall(["retentionrule", "legalhold"]),
    ]
