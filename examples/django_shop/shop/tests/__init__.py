"""Holds the tests of the shop: `manage.py test`."""
