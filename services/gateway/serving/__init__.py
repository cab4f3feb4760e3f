"""What stands between a socket and a thread: requests that have not arrived hold none."""
