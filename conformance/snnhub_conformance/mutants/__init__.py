"""Wrong programs and wrong engines, made on purpose: what a case must notice to be worth its place."""
