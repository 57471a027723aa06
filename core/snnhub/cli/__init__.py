"""The command line: a thin shell over ``snnhub.api``. Importing it imports neither NumPy nor any framework."""
