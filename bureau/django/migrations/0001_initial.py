"""Creates the outbox."""

import uuid
from typing import Any

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies: tuple[Any, ...] = ()
    operations = (
        migrations.CreateModel(
            name="Submission",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "sender",
                    models.CharField(help_text="What sends it: the mail, or an entry of TASKS.", max_length=100),
                ),
                ("path", models.CharField(max_length=100)),
                ("body", models.JSONField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("next_try_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("trouble", models.TextField(blank=True, help_text="Why the last send failed.")),
                (
                    "refused_at",
                    models.DateTimeField(blank=True, help_text="Set if the gateway will never accept it.", null=True),
                ),
            ],
            options={
                "ordering": ("created_at",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("refused_at__isnull", True)),
                        fields=["next_try_at"],
                        name="bureau_submission_due",
                    )
                ],
            },
        ),
    )
