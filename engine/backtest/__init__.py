"""Rulebooks tried on recorded events: what each rule would do, to whom, and what an edit would change."""
