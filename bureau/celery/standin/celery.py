"""Stands in for Celery: importing it gives `bureau.celery`. Python hands out what `sys.modules` has afterwards."""

from bureau.celery.names import install

install()
