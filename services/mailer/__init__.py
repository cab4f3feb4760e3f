"""Holds the mailer service: its tasks, messages, templates, delivery log and transports."""
