"""Holds ends of claims that PostgreSQL writes in one statement, which is a transaction of its own."""
