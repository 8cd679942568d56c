"""Every number on which the fairness of a comparison rests, one a line, with its unit in the name and its reason.

`docs/protocol.md` says the same in prose; a test holds the two together. The levels of the statistics stand with them,
in `bakeoff.study.analysis`, and the settings of the classical references in `bakeoff.study.design.classical`. A number
that is changed here changes figures: then `bakeoff.study.design.jobs.PROTOCOL` is raised, so that no unfinished run
goes on with other numbers.

A *part* is a share of the time that is left when it is applied.
"""

# ---- what every entrant is given

#: The learning rates that every network is given. Small networks want large ones: on MNIST-1D the CNN reaches 94 to
#: 95 % at the last and 91 % at 1e-2, the MLP 68 % at the third, and on digits Transformer, LSTM and GRU take one of
#: the last two.
LEARNING_RATES = (5e-4, 2e-3, 7e-3, 2.5e-2)
#: Examples a step, the same for every network.
BATCH_EXAMPLES = 100
#: Passes over the full training set, without a clock ...
USUAL_EPOCHS = 120
#: ... but at least this many steps, for small data ...
FEWEST_USUAL_STEPS = 1000
#: ... and at most this many, for large data.
MOST_USUAL_STEPS = 6000
#: Under a clock no network is judged on fewer steps than this: it is left out instead.
SHORTEST_TRAINING_STEPS = 150
#: The most steps of a network, in times the usual number, however cheap its steps are.
LONGEST_RATIO = 10
#: The most expensive network is left out where two things hold: with it, the shortest training does not see every
#: example once; without it, every other network could take at least this many times as many steps.
CROWDING_RATIO = 2

# ---- when a training ends

#: Evaluations on the validation split in a training, evenly spaced.
EVALUATIONS = 12
#: Evaluations in a row without a better one before a training stops: 4 to 6 changed a verdict, 8 none
#: (docs/benchmarks/speed.md).
PATIENCE_EVALUATIONS = 8
#: Evaluations in a row that changed no validation answer before a training that does not improve stops: this saves what
#: the long patience costs.
UNCHANGED_EVALUATIONS = 3
#: Parts of the steps after which the learning rate with the worst validation loss is eliminated (successive rejects).
REJECTION_PARTS = (0.25, 0.5)
#: Under these metrics the best evaluation of a training is the one with the fewest errors, not the lowest loss.
JUDGED_BY_ERRORS = ("accuracy", "balanced_accuracy", "macro_f1")

# ---- learning curves

#: Training sizes of a learning curve: n/16, n/8, n/4, n/2, n.
CURVE_SIZES = 5
#: Seeds of every point of a learning curve, by default: the fewest with which a spread can be told.
SEEDS = 3
#: The most training examples that a trained network is scored on itself: what it cannot fit bounds its forecasts.
TRAINING_SCORE_EXAMPLES = 1000
#: An entrant more than this many standard errors behind the best on validation is out of the race.
ELIMINATION_ERRORS = 3.0
#: Progressive sampling begins at this many values (examples times values of an example): fewer are learned within a few
#: seconds, and nothing would be saved.
LARGE_DATA_VALUES = 2_000_000
#: An entrant is pruned where fewer than this share of its possible learning curves reach the leader's score ...
POSSIBLE_SHARE = 0.005
#: ... lowered by this many standard errors of a validation score.
DOUBT_ERRORS = 3.0

# ---- folds, where data are few

#: Without a wish of the user, every example is tested once where there are at most so many: a test split of a fifth is
#: then at most 100 examples, on which 95 % is 89 to 98 %.
CV_MOST_EXAMPLES = 500
#: Numbers of folds, the first that a budget affords: ten train on 90 % of the examples, three on 67 %.
CV_FOLDS = (10, 5, 3)
#: Without a clock: half the trainings of ten folds, on 80 % of the examples.
CV_FOLDS_WITHOUT_CLOCK = (5,)
#: The most folds: more train on hardly more examples, and cost as much more.
CV_MOST_FOLDS = 20
#: Seeds of a trial's folds lie this far apart, so that initial weights and batches differ from fold to fold as well.
FOLD_SEED_STEP = 1000
#: Part of the time left that tuning in all folds is planned to take, more than `TUNING_PART`: it judges on every
#: example already, and most trainings of small data settle before their last step.
FOLDS_PART = 0.5
#: Part of the budget kept, with folds, for the training of the network that is handed over.
CHAMPION_PART = 0.05
#: Variance of a score over folds beyond that of its examples, as a part of Nadeau and Bengio's correction: training
#: sets of folds overlap, and nothing in the folds tells how far scores move together (docs/benchmarks/validity.md).
FOLD_CORRECTION = 0.35

# ---- who gets how much of the time

#: The smallest budget: loading Python packages and starting the workers alone takes some seconds.
SHORTEST_BUDGET_SECONDS = 8.0
#: Seconds reserved at the end for the verdict and the report, whatever the data.
RESERVE_SECONDS = 1.6
#: Seconds reserved besides for each entrant and each 1000 test examples (at most 10,000 of them).
RESERVE_SECONDS_PER_ENTRANT = 0.02
#: Both are multiplied by how much other programs slow this one down, up to this part of the budget.
MOST_RESERVED_PART = 0.5
#: From this slowdown on, what other programs took away is told.
TOLD_SLOWDOWN = 2.0
#: Part of the time after which a network that is still being timed is given up, so that the others can be judged.
PROFILE_PART = 0.35
#: Part of the time left for training that tuning may take; seeds and learning curves need the rest.
TUNING_PART = 0.38
#: Part of the time left that the tuning of a classical entrant may take before it is stopped ...
CLASSICAL_PART = 0.25
#: ... but at least this many seconds, most of which a worker needs to import scikit-learn.
CLASSICAL_LIMIT_SECONDS = 3.0
#: The least predicted seconds of a classical entrant's tuning: a worker has to import scikit-learn for it.
LEAST_CLASSICAL_SECONDS = 2.0
#: A curve that takes less than this part of the time left is cheap, and trained before expensive entrants are tuned.
CHEAP_PART = 0.05
#: Part of the time left that curves may take which a free worker starts while other entrants are still being tuned.
EARLY_PART = 0.5
#: The same for an entrant that is out of the race.
EARLY_ELIMINATED_PART = 0.1
#: Curves are planned up to this part of the time left, since predicted times may be too short.
PLANNED_PART = 0.85
#: The trainings of an entrant are split into more jobs only where each worker has at least this many seconds of work
#: (one large stack is cheaper than two small ones) ...
LEAST_SPLIT_SECONDS = 1.0
#: ... and only until the worker with the most work has at most this many times the mean.
LARGEST_IMBALANCE_RATIO = 1.2

# ---- where it runs

#: Replicas of the stack that a profile times.
PROFILE_REPLICAS = 4
#: A network whose step takes more FLOPs than this (about half a second on one core) is timed with a single replica.
EXPENSIVE_STEP_FLOPS = 5e10
#: A network whose step takes longer than this on a GPU, in seconds a replica, is not timed on the CPU.
EXPENSIVE_STEP_SECONDS = 0.2
#: Without a clock nothing may depend on a timing: a network is trained on the GPU where a step takes more FLOPs.
GPU_STEP_FLOPS = 2e10
#: Classical entrants hold all rows in memory; where that would be more than this, they fail with the figure as reason.
LARGEST_ROWS_BYTES = 1_500_000_000

# ---- evidence at the end of a comparison

#: Part of the budget that is reserved for evidence.
EVIDENCE_PART = 0.17
#: With a smaller budget nothing is reserved: the comparison needs all of it.
LEAST_EVIDENCE_BUDGET_SECONDS = 40.0
#: Reserved seconds that evidence will not need are given back to the learning curves where they are more than this.
LEAST_RETURNED_SECONDS = 2.0
#: Evidence is planned up to this part of the time left: the comparison has measured what its trainings take.
EVIDENCE_PLANNED_PART = 0.8
#: Score drops are paired over at least this many seeds: with one, nothing is known about the variance over seeds.
FEWEST_PAIRED_SEEDS = 2
#: Of the entrants that may be the best, at most this many are trained again, besides one control.
MOST_LEADERS = 2

# ---- the table of `why`

#: The default budget ...
WHY_BUDGET_SECONDS = 300.0
#: ... and the smallest: with less, hardly any cell would be finished.
WHY_SHORTEST_BUDGET_SECONDS = 20.0
#: Seconds reserved at the end for the statistics and the sentences.
WHY_RESERVE_SECONDS = 4.0
#: Tuning ends after this part of the time left; entrants that have not finished it take no part. This is a
#: deadline; `TUNING_PART` is what the steps of a comparison are planned by.
WHY_TUNING_PART = 0.45
#: The table is planned up to this part of the time left, with more caution than `PLANNED_PART`: curves are
#: planned again and again by what trainings took, the table is not.
WHY_PLANNED_PART = 0.75
#: The fewest steps of a training; where the budget does not allow them, changes, seeds or networks are left out.
WHY_FEWEST_STEPS = 200
#: The most training examples that are used: the table is about biases, not about the last tenth of a point ...
WHY_MOST_TRAINING_EXAMPLES = 10_000
#: ... and the most validation examples, and test examples.
WHY_MOST_TEST_EXAMPLES = 4_000
#: Predicted time of a training at twice the width, in times of one at the usual width.
DOUBLE_WIDTH_RATIO = 4.0

# ---- one network trained well

#: Part of the time left that a fit plans for optimiser steps; the rest is for evaluations and for writing.
FIT_PLANNED_PART = 0.75
