"""Sends the client's requests with asyncio; what it asks and how it reads answers is the blocking client's."""
