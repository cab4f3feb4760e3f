"""Ways to hand a mail over: SMTP, SendGrid, a folder of .eml files, the console. `base` is what they have in common."""
