"""Lets an application submit a job in its own transaction: the function `bureau.submit` of PostgreSQL."""
