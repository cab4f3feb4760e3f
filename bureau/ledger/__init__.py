"""The book of jobs: every row of every job, and all the SQL there is. PostgreSQL, or SQLite embedded.

Functions take a `Database`; one function is one transaction unless its docstring says otherwise. Locks are taken in
one order everywhere: job, then its tasks by id. Only `claim` locks a task alone. Time that decides anything is the
database's clock.
"""
