"""What people decide in the console, out to the topics: once each, whatever crashes."""
