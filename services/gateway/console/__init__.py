"""The console: what people see in a browser. Server-rendered; every view is a link and works without scripts."""
