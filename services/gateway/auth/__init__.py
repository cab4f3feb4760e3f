"""Authenticates and authorises requests: keys, roles, signed links, rate limits.

Decisions are functions; `Authenticator` applies them in order.
"""
