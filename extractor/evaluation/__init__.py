"""Evaluation against reference annotations: scores of single documents, and tables over all of them."""
