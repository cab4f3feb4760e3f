"""Provides all that tests of custom tasks need: the fixture `bureau`."""

pytest_plugins = ["bureau.testing"]
