"""Holds reports whose rows come from a Django queryset."""
