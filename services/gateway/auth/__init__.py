"""Who asks: keys, roles, signed links, limits. Decisions are functions; `gate` asks them in order."""
