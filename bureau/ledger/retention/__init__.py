"""Deletes data whose retention time is over: old jobs, expired files, orphans."""
