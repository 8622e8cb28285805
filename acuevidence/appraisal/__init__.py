"""Appraisal: what to make of a pooled effect, and of the evidence that is missing from it."""
