"""Holds the mail transports: SMTP, SendGrid, a folder of .eml files and the console; `base` is their interface."""
