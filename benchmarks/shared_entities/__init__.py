"""The second contest: users' counters beside distinct users of shared entities, which lie on other partitions."""
