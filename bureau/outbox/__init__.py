"""Holds what an outbox in an application's database needs: `sql` is its form for SQLAlchemy, `sending` is for all."""
