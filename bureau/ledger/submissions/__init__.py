"""Submissions without files: many in one transaction, with what each is admitted by."""
