"""Checks whether a ZIP may be given to anyone: it is read in place, never extracted; no header is trusted."""
