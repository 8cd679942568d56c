"""A catalogue of standings: for each what must and what must not be said, in English and in Korean.

The standings are made by hand, so that each says what it says by its figures alone.
"""

from dataclasses import replace

import pytest

from bakeoff.messages import set_language
from bakeoff.study.analysis.uncertainty import Difference, Estimate, Ranking
from bakeoff.study.analysis.verdict import EntrantResult, conclude

KINDS = {
    "majority": "baseline",
    "knn": "classical",
    "boosting": "classical",
    "linear": "network",
    "cnn": "network",
    "lstm": "network",
}
FLOPS = {"majority": 0, "knn": 200_000, "boosting": None, "linear": 1_000, "cnn": 400_000, "lstm": 900_000}
#: Said in no case below: what chance or silence alone would have carried under older rules.
NEVER = (
    "cannot be told apart",
    "cannot be told from",
    "nothing did better",
    "best of all that took part",
    "구별되지",
)


def placed(
    scores, *, chance, loses, winner=None, leader=None, above=True, ruled_out=(), examples=360, **more
):
    """A standing from scores, probabilities and bounds; differences have a standard error of one point."""
    names = list(scores)
    top = max(names, key=lambda name: scores[name])
    leader = leader or top
    baseline = "majority" if "majority" in scores else None
    order = sorted((name for name in chance if chance[name] > 0.01), key=lambda name: -chance[name])
    return Ranking(
        leader=leader,
        winner=winner,
        candidates=(winner,) if winner else (leader, *(name for name in order if name != leader)),
        scores={
            name: Estimate(score=score, low=score - 0.02, high=min(score + 0.02, 1))
            for name, score in scores.items()
        },
        probability_best={name: chance.get(name, 0.0) for name in names},
        differences=tuple(
            Difference(
                first=first,
                second=second,
                estimate=scores[first] - scores[second],
                low=scores[first] - scores[second] - 0.02,
                high=scores[first] - scores[second] + 0.02,
                standard_error=0.01,
                example_variance=0.8e-4,
                seed_variance=0.2e-4,
            )
            for place, first in enumerate(names)
            for second in names[place + 1 :]
        ),
        baseline=baseline,
        above_baseline=tuple(name for name in names if name != baseline) if above else (),
        level=0.95,
        seeds=3,
        top=top,
        margin=0.01,
        loses_at_most={name: loses.get(name, 0.5) for name in names},
        ruled_out=tuple(ruled_out),
        examples=examples,
        **more,
    )


def said(ranking, language="en", unjudged=(), undertrained=()):
    entrants = [
        EntrantResult(
            name=name,
            kind=KINDS[name],
            family=name,
            flops_per_example=FLOPS[name],
            steps=184,
            protocol_steps=1440,
            undertrained=name in undertrained,
        )
        for name in ranking.scores
    ]
    late = [
        EntrantResult(
            name=name, kind=KINDS[name], family=name, judged=False, state="not_started", needed_seconds=40.0
        )
        for name in unjudged
    ]
    verdict = conclude([*entrants, *late], ranking, metric="accuracy")
    set_language(language)
    try:
        return verdict, " ".join(verdict.sentences)
    finally:
        set_language(None)


WINNER = placed(
    {"majority": 0.5, "knn": 0.88, "linear": 0.80, "cnn": 0.95},
    chance={"cnn": 0.99},
    loses={"cnn": 0.0},
    winner="cnn",
    ruled_out=("knn", "linear", "majority"),
)
OPEN = placed(
    {"majority": 0.5, "knn": 0.930, "linear": 0.80, "cnn": 0.935, "lstm": 0.925},
    chance={"cnn": 0.60, "knn": 0.25, "lstm": 0.12},
    loses={"cnn": 0.02, "knn": 0.03, "lstm": 0.04},
    ruled_out=("linear", "majority"),
)
KNN_GOOD = placed(
    {"majority": 0.5, "knn": 0.930, "linear": 0.80, "cnn": 0.931},
    chance={"cnn": 0.55, "knn": 0.45},
    loses={"cnn": 0.008, "knn": 0.009},
    ruled_out=("linear", "majority"),
)
KNN_LEADS = placed(
    {"majority": 0.5, "knn": 0.96, "linear": 0.80, "cnn": 0.94},
    chance={"knn": 0.93, "cnn": 0.07},
    loses={"knn": 0.004, "cnn": 0.05},
    ruled_out=("linear", "majority"),
)
KNN_LEADS_OPEN = replace(KNN_LEADS, loses_at_most=dict(KNN_LEADS.loses_at_most, knn=0.02))
BEHIND = placed(
    {"majority": 0.5, "knn": 0.934, "linear": 0.80, "cnn": 0.930},
    chance={"knn": 0.55, "cnn": 0.45},
    loses={"knn": 0.02, "cnn": 0.03},
    leader="cnn",
    ruled_out=("linear", "majority"),
)
CLASSICAL_ONLY = placed(
    {"majority": 0.5, "knn": 0.93, "boosting": 0.90},
    chance={"knn": 0.9, "boosting": 0.1},
    loses={"knn": 0.005, "boosting": 0.06},
)
ALONE = placed(
    {"majority": 0.5, "linear": 0.767}, chance={"linear": 1.0}, loses={"linear": 0.0}, winner="linear"
)
ALONE_NOT_ABOVE = replace(ALONE, above_baseline=(), winner=None)
ONLY_BASELINE = placed(
    {"majority": 0.5}, chance={"majority": 1.0}, loses={"majority": 0.0}, winner="majority", above=False
)
NOTHING = placed(
    {"majority": 0.93, "knn": 0.935, "cnn": 0.94},
    chance={"cnn": 0.6, "knn": 0.3, "majority": 0.1},
    loses={"majority": 0.03, "cnn": 0.02, "knn": 0.02},
    above=False,
)
NOTHING_THERE = replace(NOTHING, loses_at_most={"majority": 0.008, "knn": 0.01, "cnn": 0.01})
CHEAP = placed(
    {"majority": 0.5, "linear": 0.948, "cnn": 0.95, "lstm": 0.90},
    chance={"cnn": 0.7, "linear": 0.3},
    loses={"cnn": 0.005, "linear": 0.009},
    ruled_out=("lstm", "majority"),
)
NOT_SHOWN_CHEAP = replace(CHEAP, loses_at_most=dict(CHEAP.loses_at_most, linear=0.2))
ONE_SEED = replace(WINNER, seeds_unknown=True, seeds=1)
BORROWED = replace(WINNER, seeds_borrowed=("cnn",), seeds=1)

NO_NETWORK = ("You need no neural network", "신경망이 필요하지 않습니다")
OPEN_NETWORK = ("Whether you need a neural network is open", "신경망이 필요한지는 아직 알 수 없습니다")
BEST = (" is the best of the ", " 중 최고는 ")

CATALOGUE = {
    "a winner": (WINNER, (), [BEST, ("cnn", "cnn"), ("95.0 %", "95.0 %")], [NO_NETWORK, OPEN_NETWORK]),
    "a winner while others did not run": (
        WINNER,
        ("lstm",),
        [
            (
                "the 3 that were trained and judged here (lstm could not be judged",
                "3개 모델(lstm 제외: 평가하지 못해",
            )
        ],
        [("best of all", "참가한 모든")],
    ),
    "undecided, a network first": (
        OPEN,
        (),
        [
            ("cnn leads the 4", "cnn이 앞섭니다"),
            (
                "is 60 %; these may also be: knn 25 %, lstm 12 %",
                "60 %이며, 다음 모델이 최고일 수도 있습니다: knn 25 %, lstm 12 %",
            ),
            OPEN_NETWORK,
            (
                "seeds would decide; the 360 examples here show differences from 2.5 points on",
                "2.5포인트 이상의 차이만",
            ),
        ],
        [BEST, NO_NETWORK, ("cheapest", "저렴"), ("majority", "majority")],
    ),
    "a classical one inside the margin": (
        KNN_GOOD,
        (),
        [NO_NETWORK, ("loses less than 1 point", "1포인트 미만"), ("93.1 %", "93.1 %")],
        [BEST, OPEN_NETWORK],
    ),
    "a classical one leads and no network is better by the margin": (
        KNN_LEADS,
        (),
        [NO_NETWORK, ("the best network, cnn, 94.0 %", "가장 좋은 신경망 cnn의 값은 94.0 %")],
        [BEST, OPEN_NETWORK],
    ),
    "a classical one leads, and a network may be better": (
        KNN_LEADS_OPEN,
        (),
        [OPEN_NETWORK],
        [BEST, NO_NETWORK],
    ),
    "another stands above the one that validation chose": (
        BEHIND,
        (),
        [
            ("cnn was chosen on validation", "검증 데이터로 cnn을 골랐습니다"),
            (
                "knn is 0.4 points ahead, which is within chance",
                "knn이 0.4포인트 앞서지만 우연의 범위 안",
            ),
        ],
        [BEST, NO_NETWORK],
    ),
    "no network was judged": (
        CLASSICAL_ONLY,
        ("cnn", "lstm"),
        [("knn leads the 2", "knn이 앞섭니다"), ("cnn, lstm could not be judged", "cnn, lstm 제외")],
        [NO_NETWORK, OPEN_NETWORK, ("the best network", "가장 좋은 신경망")],
    ),
    "one survivor": (
        ALONE,
        ("cnn", "knn"),
        [("Only linear could be judged", "linear만 평가할 수 있었습니다"), ("not known", "알 수 없습니다")],
        [BEST, ("leads", "앞섭니다"), NO_NETWORK, ("cheapest", "저렴")],
    ),
    "one survivor at the baseline": (
        ALONE_NOT_ABOVE,
        ("cnn",),
        [("was not shown to beat majority", "majority(50.0 %)보다 낫다고 입증되지 않았습니다")],
        [BEST, NO_NETWORK],
    ),
    "only the baseline": (
        ONLY_BASELINE,
        ("cnn", "knn"),
        [("Only the baseline could be judged", "기준선만 평가")],
        [BEST, NO_NETWORK, ("probability", "확률")],
    ),
    "nothing shown above the baseline": (
        NOTHING,
        (),
        [("was shown to beat the baseline", "입증된 것이 없습니다")],
        [BEST, NO_NETWORK, OPEN_NETWORK, ("is better than the baseline by", "이상 나은 것이 없습니다")],
    ),
    "nothing better than the baseline by the margin": (
        NOTHING_THERE,
        (),
        [("is better than the baseline by 1 point or more", "기준선보다 1포인트 이상 나은 것이 없습니다")],
        [BEST, ("was shown to beat", "입증된")],
    ),
    "a cheaper one inside the margin": (
        CHEAP,
        (),
        [
            ("cheapest good choice is linear: 94.8 %", "선택은 linear입니다: 94.8 %"),
            ("cnn (95.0 %)", "cnn(95.0 %)"),
        ],
        [BEST],
    ),
    "a cheaper one that was not shown to be good": (
        NOT_SHOWN_CHEAP,
        (),
        [("None that is cheaper than cnn", "cnn(95.0 %, 예제당")],
        [("cheapest good", "저렴하면서 좋은")],
    ),
    "one training each": (ONE_SEED, (), [("holds for these very networks", "바로 이 신경망들에만")], []),
    "a spread that was borrowed": (
        BORROWED,
        (),
        [("Trained once at full size: cnn", "한 번만 학습한 모델: cnn")],
        [],
    ),
}


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("case", CATALOGUE)
def test_what_is_said_follows_from_the_evidence(case, language):
    ranking, unjudged, must, must_not = CATALOGUE[case]
    place = ("en", "ko").index(language)
    _, text = said(ranking, language, unjudged)
    for pair in must:
        assert pair[place] in text, (pair[place], text)
    for pair in must_not:
        assert pair[place] not in text, (pair[place], text)
    assert not any(phrase in text for phrase in NEVER)
    assert "{" not in text


@pytest.mark.parametrize("case", CATALOGUE)
def test_everything_is_said_of_what_was_trained_here_and_nothing_of_families(case):
    """One training set was drawn: with a spread of a point between training sets 17.5 % of winners would be false."""
    ranking, unjudged, _, _ = CATALOGUE[case]
    for language, families, here, others in (
        ("en", ("famil", "architecture", "in general"), "trained", "Other training examples may"),
        ("ko", ("계열", "아키텍처", "일반적으로"), "학습", "학습 예제가 다르면"),
    ):
        verdict, text = said(ranking, language, unjudged)
        assert not any(word in text for word in families), text
        if verdict.winner or any(one.key.startswith("verdict.no_network") for one in verdict.statements):
            assert others in text, text
        if verdict.tied:
            assert here in verdict.sentences[0] or language == "ko", text
    drawn = replace(ranking, training_sets=10)
    assert "Other training examples" not in said(drawn, "en", unjudged)[1]


def test_nobody_wins_where_fewer_than_two_were_judged():
    for ranking in (ALONE, ONLY_BASELINE):
        verdict, _ = said(ranking)
        assert (verdict.winner, verdict.tied) == (None, ())
        assert not verdict.needs_network


def test_the_three_answers_are_disjoint_and_leave_nobody_out():
    for ranking, unjudged, _, _ in CATALOGUE.values():
        verdict, _ = said(ranking, unjudged=unjudged)
        answers = [*verdict.better, *verdict.practically_equal, *verdict.undecided]
        assert len(answers) == len(set(answers))
        assert {verdict.leader, *answers} == set(ranking.scores)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_network_is_called_needless_while_the_best_one_may_have_been_improving(language):
    needless = ("You need no neural network", "신경망이 필요하지 않습니다")[language == "ko"]
    trained, text = said(KNN_GOOD, language)
    assert needless in text
    _, text = said(
        KNN_GOOD, language, undertrained=[name for name in KNN_GOOD.scores if KINDS[name] == "network"]
    )
    assert needless not in text
    assert "184" in text
    assert "1,440" in text
    assert "cnn" in text
    assert not trained.needs_network
