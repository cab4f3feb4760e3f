"""All that tests of one's own tasks need: the fixture `bureau`."""

pytest_plugins = ["bureau.testing"]
