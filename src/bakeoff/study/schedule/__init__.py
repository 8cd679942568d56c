"""When what is trained. `runner` has jobs trained and stored, for every study; `scheduler` plans those of a comparison,
`retraining` those of its evidence, and `perturbation_study` those of `why`.
"""
