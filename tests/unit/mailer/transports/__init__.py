"""Tests of transports, circuit breaker and failover."""
