"""Reference data: databases of networks in files, and tables whose rows come on topics or are recorded."""
