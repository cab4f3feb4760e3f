"""Deletes what its time is up for: old jobs, expired files, orphans."""
