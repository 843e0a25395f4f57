"""Online models on River: features as scored, labels joined with them, one learner for each model."""
