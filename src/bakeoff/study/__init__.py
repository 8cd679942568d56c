"""Many trainings: what (`design`), when (`schedule`), where (`workers`), what came of it (`results`), what it means
(`analysis`); and one network trained well (`fitting`).
"""
