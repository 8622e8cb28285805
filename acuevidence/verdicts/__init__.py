"""Verdicts: claims, decided from the numbers of questions and appraisal."""
