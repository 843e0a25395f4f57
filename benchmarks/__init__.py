"""This engine beside others on the same work, in one run."""
