"""Holds the resources for certificates: submission and revocation."""
