"""Certificates: uploads to the certificates API, its checked archive back."""
