"""What a relay has in hand is found by serial; a message without a serial is one of its own."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from tenants.context import operator_context


def fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with operator_context():
        waiting = apps.get_model("billing", "OutboxMessage").objects.filter(serial="").exclude(state="delivered")
        waiting.update(serial=models.F("key"))


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_guards")]
    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="outboxmessage",
            index=models.Index(
                fields=["serial"],
                condition=models.Q(state="pending", claimed_until__isnull=False),
                name="outbox_in_hand",
            ),
        ),
    ]
