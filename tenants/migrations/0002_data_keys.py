import django.db.models.deletion
import django.utils.timezone
import tenants.ids
from django.db import migrations, models
from tenants.wall import BuildWall


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='DataKey',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('wrapped', models.BinaryField()),
                ('master_key_id', models.CharField(max_length=16)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('tenant',), name='data_key_once')],
            },
        ),
        BuildWall(["datakey"]),
    ]
