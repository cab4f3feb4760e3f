"""Reads rosters: decodes the file, finds the header and the columns, joins names, checks the rows."""
