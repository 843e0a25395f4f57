"""Vowpal Wabbit, taught and asked in a given order: texts and verdicts (null: score it) from standard input, scores to
standard output. `characters` or `words`: what it reads. Run by its own interpreter."""

import json
import sys

import vowpalwabbit

characters = sys.argv[1] == "characters"
model = vowpalwabbit.Workspace(
    f"--quiet -b 20 --loss_function logistic --link logistic{'' if characters else ' --ngram 2'}"
)
scores = []
for text, spam in json.load(sys.stdin):
    if characters:
        data = text.encode()[:2_500]
        grams = {data[at : at + 4].hex() for at in range(len(data) - 3)}
        share = len(grams) ** -0.5 if grams else 0
        words = " ".join(f"g{gram}:{share}" for gram in sorted(grams))
    else:
        words = " ".join(text.split()).replace("|", " ").replace(":", " ")
    if spam is None:
        scores.append(model.predict(f"| {words}"))
    else:
        model.learn(f"{1 if spam else -1} | {words}")
print(json.dumps(scores))
