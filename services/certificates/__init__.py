"""Holds the certificates service: it posts rosters to the certificates API and checks the archive that comes back."""
