"""Answers for those who must ask before they publish: an event over HTTP, onto the same log, and its decision back."""
