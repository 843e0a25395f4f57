"""Vowpal Wabbit on texts from standard input: µs of CPU per score and per label. Run by its own interpreter."""

import json
import sys
import time

import vowpalwabbit

texts = json.load(sys.stdin)
model = vowpalwabbit.Workspace("--quiet -b 20 --ngram 2 --loss_function logistic --link logistic")
started = time.process_time()
for text, spam in texts:
    model.learn(f"{1 if spam else -1} | {text.replace('|', ' ').replace(':', ' ')}")
learned = time.process_time()
for text, _ in texts:
    model.predict(f"| {text.replace('|', ' ').replace(':', ' ')}")
ended = time.process_time()
print(json.dumps([1e6 * (ended - learned) / len(texts), 1e6 * (learned - started) / len(texts)]))
