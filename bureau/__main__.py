"""`python -m bureau`: the command `bureau`, from a checkout too."""

from bureau.cli.main import main

if __name__ == "__main__":
    main()
