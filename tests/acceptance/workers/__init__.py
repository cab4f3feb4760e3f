"""Workers that `bureau worker` starts: what one process serves, and on which queues."""
