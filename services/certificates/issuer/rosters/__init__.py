"""Reads rosters: decodes the file, finds the columns, checks the rows."""
