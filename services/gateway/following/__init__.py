"""Following what happens: one poller in a process, shared by all of its event streams."""
