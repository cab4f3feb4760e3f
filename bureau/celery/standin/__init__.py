"""Belongs on PYTHONPATH, for projects whose `import celery` shall find Bureau's names."""
