"""Holds the shape of a schedule and the arithmetic of cron expressions."""
