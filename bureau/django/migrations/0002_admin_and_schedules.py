"""Creates the table of applied schedules, and the models that give the admin its pages and permissions."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("bureau", "0001_initial"),)
    operations = (
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.CharField(max_length=36, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=200)),
            ],
            options={
                "managed": False,
                "default_permissions": ("view", "change"),
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Schedule",
            fields=[("name", models.CharField(max_length=100, primary_key=True, serialize=False))],
            options={
                "managed": False,
                "default_permissions": ("view", "change"),
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="AppliedSchedule",
            fields=[
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                (
                    "digest",
                    models.CharField(blank=True, help_text="Of what was put; empty until it is.", max_length=64),
                ),
            ],
        ),
    )
