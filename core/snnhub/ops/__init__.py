"""The core op set: schemas of transforms and neurons, and the registry that finds any op by name and version."""
