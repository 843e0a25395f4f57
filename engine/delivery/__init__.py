"""Actions to webhooks: signed, in order for each target, each at least once, what is known skipped."""
