"""Is this ZIP fit to be given to anyone? Read where it lies, never extracted to disk, its headers never trusted."""
