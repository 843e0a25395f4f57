"""The stage before `events`: what an event carries but does not say is found, and added to it."""
