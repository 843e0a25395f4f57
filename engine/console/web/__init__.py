"""Pages and the JSON API, as a Starlette application."""
