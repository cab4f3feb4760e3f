"""Holds what tests of a project's tasks need: tasks that run in the test's transaction, and a real Bureau.

    from bureau.django.testing.cases import LiveBureauMixin, RunTasksMixin

It needs no pytest; the fixtures for pytest are in `fixtures`.
"""
