"""Runs the command `bureau` with `python -m bureau`, also from a checkout."""

from bureau.cli.main import main

if __name__ == "__main__":
    main()
