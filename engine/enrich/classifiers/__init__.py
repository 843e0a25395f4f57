"""Classifiers that answer over HTTP: what is sent to them, what is believed of their answers, how long they are waited
for."""
