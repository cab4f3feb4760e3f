"""Mail: one task, `mailer.send`; message, templates, deliveries and transports each in a module of its own."""
