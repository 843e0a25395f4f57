"""Processes that read what may be hostile: bounded, without network and files, ended when they take too long."""
