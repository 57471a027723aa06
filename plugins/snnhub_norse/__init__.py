"""norse: importer and runner for networks given by a factory or as live objects."""
