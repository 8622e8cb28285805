"""Where a reader finds what was printed: the publication by DOI or PubMed first, the page that was read second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

__all__ = ["publication", "read_at", "sources_of"]

_DOI, _PUBMED = "https://doi.org/", "https://pubmed.ncbi.nlm.nih.gov/"


def publication(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return words and address of a publication by its DOI and its record in PubMed, as far as they are held.

    Parameters
    ----------
    row : mapping
        A row with ``doi`` and ``pmid``.

    Examples
    --------
    >>> publication({"doi": "10.1000/x", "pmid": 12})
    [('doi:10.1000/x', 'https://doi.org/10.1000/x'), ('PubMed 12', 'https://pubmed.ncbi.nlm.nih.gov/12/')]
    """
    doi, pmid = row.get("doi"), row.get("pmid")
    found = [] if doi is None or pd.isna(doi) else [(f"doi:{doi}", f"{_DOI}{doi}")]
    return found if pmid is None or pd.isna(pmid) else [*found, (f"PubMed {int(pmid)}", f"{_PUBMED}{int(pmid)}/")]


def read_at(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return words and addresses of the pages that figures were read on, but for those of DOI and PubMed.

    Parameters
    ----------
    row : mapping
        A row with ``source_url``; several addresses stand between bars.

    Examples
    --------
    >>> read_at({"source_url": "https://www.example.org/a | https://doi.org/10.1000/x"})
    [('read at example.org', 'https://www.example.org/a')]
    """
    pages = row.get("source_url")
    given = [] if pages is None or pd.isna(pages) else [page.strip() for page in str(pages).split("|")]
    return [(f"read at {_host(page)}", page) for page in dict.fromkeys(given) if page and not page.startswith((_DOI, _PUBMED))]


def sources_of(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return words and addresses of a row's sources: the publication first, the page that was read second.

    Parameters
    ----------
    row : mapping
        A row with ``doi``, ``pmid`` and ``source_url``, as far as there are such columns.

    Examples
    --------
    >>> [words for words, _ in sources_of({"doi": "10.1000/x", "source_url": "https://example.org/a"})]
    ['doi:10.1000/x', 'read at example.org']
    """
    found = [*publication(row), *read_at(row)]
    return found or [(str(page), str(page)) for page in [row.get("source_url")] if page is not None and not pd.isna(page)]


def _host(page: str) -> str:
    return (urlsplit(page).hostname or page).removeprefix("www.")
