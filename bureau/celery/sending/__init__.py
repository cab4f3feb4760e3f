"""Holds what sends jobs to the gateway and reads them: names, routes, the client, the outbox."""
