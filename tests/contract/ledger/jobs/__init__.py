"""Tests of the job state machine: submit, claim, finish, cancel, retry, and all of it at once."""
