"""Makes the cases. Run ``python -m snnhub_conformance.generate``; what it writes is never edited by hand."""
