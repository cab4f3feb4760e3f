"""Holds what a Django project needs: a backend for Django's tasks, an outbox, a worker and an e-mail backend."""
