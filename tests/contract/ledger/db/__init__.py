"""Tests of connections, migrations, and what a column holds."""
