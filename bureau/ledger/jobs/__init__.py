"""The state machine of jobs and tasks: submit, claim, finish, leases, retries, cancel, and the events they write."""
