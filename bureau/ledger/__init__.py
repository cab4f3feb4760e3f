"""The ledger: every row of every job, and all of Bureau's SQL. PostgreSQL, or SQLite when embedded.

Functions take a `Database`; one function is one transaction unless its docstring says otherwise. Locks are taken in
one order everywhere: job, then its tasks by id. Only `claim` locks a task alone. Every decision about time uses the
database's clock.
"""
