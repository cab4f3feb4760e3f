"""The built-in issuer: rosters in, a ZIP of PDF certificates out, as any certificates API does it. A WSGI app."""
