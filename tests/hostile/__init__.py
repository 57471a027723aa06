"""Files and inputs that are wrong, broken or malicious."""
