"""The public functions behind the commands. Each returns the object whose JSON the command prints."""
