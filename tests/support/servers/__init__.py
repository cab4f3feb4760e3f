"""Private servers: databases, brokers, mail, storage and HTTP."""
