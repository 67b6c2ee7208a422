"""`reunite graph`: the page it writes."""

from reunite.cli.page.page import page, summary

__all__ = ["page", "summary"]
