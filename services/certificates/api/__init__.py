"""Holds the client of the certificates API: a cancel ends its calls, and answers become typed errors."""
