"""What is said of a given table, that nothing is said without a figure, and what is planned under a budget."""

import json

import pytest

from bakeoff.data.interventions.catalogue import interventions
from bakeoff.data.schema import Classes, Image, Schema, Series
from bakeoff.explain.biases import sentences
from bakeoff.explain.biases.records import Cell, EntrantScore, MemoryLength, Size, Why
from bakeoff.explain.biases.score_drops import ScoreDrop
from bakeoff.explain.biases.width_check import size_advice
from bakeoff.messages import set_language
from bakeoff.messages.statement import because
from bakeoff.report.content.drop_heatmap import heat
from bakeoff.report.html.why_page import write_why
from bakeoff.study.design.entrants import Profile
from bakeoff.study.protocol import WHY_FEWEST_STEPS
from bakeoff.study.schedule.perturbation_plan import WorkerTime, plan_perturbations
from bakeoff.tasks.metrics.registry import METRICS

ACCURACY = METRICS["accuracy"]
ENTRANTS = tuple(
    EntrantScore(name=name, family=name, score=score, low=score - 0.01, high=score + 0.01, setting=None)
    for name, score in (("cnn", 0.94), ("mlp", 0.65), ("linear", 0.32))
)


pytestmark = pytest.mark.usefixtures("english")


def cell(
    entrant, change, assumption, loss, reach=0.01, *, shown=None, amount=None, control=False, before=None
):
    before = before if before is not None else {e.name: e.score for e in ENTRANTS}[entrant]
    shown = loss - reach > 0 if shown is None else shown
    found = ScoreDrop(
        before=before,
        after=before - loss,
        loss=loss,
        low=loss - reach,
        high=loss + reach,
        p_value=0.001 if shown else 0.5,
        shown=shown,
    )
    kind = change if amount is None else change.rpartition("_")[0]
    return Cell(
        entrant=entrant,
        change=change,
        kind=kind,
        assumption=assumption,
        amount=amount,
        control=control,
        loss=found,
    )


def said(cells, memory=None):
    return [s.text() for s in sentences.statements(cells, ENTRANTS, 0.1, memory, ACCURACY)]


def test_a_loss_is_said_with_its_figure_and_with_who_loses_nothing():
    cells = [
        cell("cnn", "permute_positions", "neighbourhood", 0.38),
        cell("mlp", "permute_positions", "neighbourhood", 0.002),
        cell("linear", "permute_positions", "neighbourhood", -0.001),
    ]
    text = said(cells)
    assert text == [
        "Neighbourhood matters here: shuffling the positions costs cnn 38.0 points (37.0 to 39.0), "
        "and mlp nothing that could be shown (-0.8 to 1.2)."
    ]


def test_who_had_nothing_to_lose_is_not_named_as_unhurt():
    cells = [
        cell("cnn", "mirror", "handedness", 0.3),
        cell("linear", "mirror", "handedness", 0.0, before=0.12),
    ]
    assert said(cells) == [
        "Left and right are told apart here: mirroring images at random costs cnn 30.0 points (29.0 to 31.0). "
        "A mirror image may have another right answer, as b and d."
    ]


def test_who_loses_more_is_said_where_nobody_loses_less():
    cells = [cell("cnn", "random_shift", "place", 0.13), cell("mlp", "random_shift", "place", 0.3)]
    assert said(cells) == [
        "Where things stand is used here: moving each example around its ends at random costs cnn 13.0 points (12.0 to "
        "14.0), and mlp more: 30.0 points (29.0 to 31.0). Examples may merely be aligned, or the move may change the "
        "right answer itself, as where order decides."
    ]
    assert "more" not in said([cells[0], cell("mlp", "random_shift", "place", 0.14)])[0]


def test_what_is_not_shown_over_the_whole_table_is_not_said_nor_is_a_control():
    cells = [
        cell("cnn", "mirror", "handedness", 0.02, shown=False),
        cell("cnn", "shuffle_labels", "signal", 0.8, shown=True, control=True),
        cell("mlp", "rotate", "upright", -0.3, shown=True),
    ]
    assert said(cells) == [
        "None of what was tested was shown to matter on these data: left and right, up and down (2 comparisons, false "
        "alarm in 1 of 20 such tables). That is not the same as not mattering: drops of up to 3.0 points are possible."
    ]


def test_the_smallest_block_and_the_longest_memory_that_hurt_are_spoken_of():
    cells = [
        *(
            cell("cnn", f"permute_blocks_{n}", "scale", loss, amount=n)
            for n, loss in ((2, 0.0), (4, 0.05), (8, 0.2))
        ),
        *(
            cell("cnn", f"keep_last_{n}", "memory", loss, amount=n)
            for n, loss in ((1, 0.8), (11, 0.3), (12, 0.0))
        ),
    ]
    memory = MemoryLength(entrant="cnn", enough=12, too_few=11, length=40)
    text = said(cells, memory)
    assert any("within 4 neighbouring positions matters" in sentence for sentence in text)
    assert any("only the last 11 steps costs cnn 30.0 points" in sentence for sentence in text)
    assert any("The last 12 of 40 steps are enough for cnn" in sentence for sentence in text)


def test_word_order_that_carries_little_is_put_in_its_place():
    little = said([cell("cnn", "bag_of_words", "word_order", 0.03)])
    much = said([cell("cnn", "bag_of_words", "word_order", 0.6)])
    assert little == [
        "Word order carries 3.0 points (2.0 to 4.0) for cnn; most of the signal is in which words occur."
    ]
    assert much == ["Word order carries 60.0 points (59.0 to 61.0) for cnn."]


def test_every_sentence_has_a_figure_whose_interval_excludes_zero():
    cells = [
        cell("cnn", change.name, change.assumption, 0.2, amount=change.amount)
        for kind in (Image(channels=1, height=8, width=8), Series(channels=1, length=16))
        for change in interventions(Schema(input=kind, target=Classes(names=("a", "b"))))
        if not change.control
    ]
    for language in ("en", "ko"):
        set_language(language)
        for text in said(cells):
            assert "20.0" in text
            assert "19.0" in text


def test_advice_follows_from_figures_that_are_next_to_nothing():
    cells = [
        cell("cnn", "random_shift", "place", 0.001, 0.005),
        cell("cnn", "mirror", "handedness", 0.2),
        cell("mlp", "permute_positions", "neighbourhood", 0.0, 0.001),
    ]
    text = [s.text() for s in sentences.advice(cells, ENTRANTS, ("cnn",), None, ACCURACY)]
    assert text[0].startswith("Start with cnn")
    assert any("shifted copies" in sentence for sentence in text)
    assert not any("mirrored" in sentence for sentence in text)
    assert not any("Treat the positions" in sentence for sentence in text)


def size(width, loss, reach=0.004, *, shown=None):
    found = cell("cnn", "mirror", "handedness", loss, reach, shown=shown).loss
    return Size(entrant="cnn", width=width, usual=16, parameters=1000 * width, loss=found)


def test_the_size_that_is_advised_follows_from_losses_at_half_and_at_twice_the_width():
    def advised(*sizes):
        return [s.text() for s in size_advice(sizes, ACCURACY)]

    assert advised(size(8, 0.03), size(32, -0.02, shown=True)) == [
        "Take it larger: cnn with width 32 instead of 16 (32,000 parameters) gains 2.0 points (1.6 to 2.4)."
    ]
    assert advised(size(8, 0.001), size(32, -0.002, shown=False))[0].startswith("Half the size is enough")
    assert advised(size(8, 0.03), size(32, 0.0, shown=False))[0].startswith("Do not take it smaller")
    assert advised(size(8, 0.03, 0.05, shown=False), size(32, -0.01, 0.02, shown=False)) == []
    assert advised() == []


def test_a_larger_receptive_field_is_advised_to_who_sees_too_little_and_is_behind():
    memory = MemoryLength(entrant="gru", enough=33, too_few=32, length=40)
    fields = {"cnn": 13, "tcn": 61, "fcn": 15}
    (text,) = [s.text() for s in sentences.receptive_advice(fields, ("gru", "fcn"), memory)]
    assert "larger receptive field for cnn" in text
    assert "sees 13 steps, while the last 32 are not enough for gru" in text
    assert sentences.receptive_advice(fields, ("gru",), None) == ()


def test_the_page_and_the_json_hold_the_table_and_no_markup_of_the_user(tmp_path):
    cells = (cell("cnn", "mirror", "handedness", 0.2), cell("mlp", "mirror", "handedness", -0.1, shown=False))
    found = Why(name="<b>x", metric="accuracy", entrants=ENTRANTS, baseline=0.1, tied=("cnn",), cells=cells)
    assert found.matters() == ("handedness",)
    page = write_why(found, tmp_path / "why.html").read_text()
    assert "<b>x" not in page
    assert "&lt;b&gt;x" in page
    assert "<script" not in page
    assert "<b>20.0</b>" in page
    record = json.loads(json.dumps(found.to_json()))
    assert record["cells"][0]["loss"]["shown"] is True
    assert record["matters"] == ["handedness"]


def test_heat_is_symmetric_and_bounded():
    assert heat(0.15, 0.9, "accuracy") == -heat(-0.15, 0.9, "accuracy") == pytest.approx(0.5)
    assert heat(9.0, 0.9, "accuracy") == 1.0
    assert heat(3.0, 10.0, "rmse") == 1.0


CHANGES = interventions(Schema(input=Series(channels=1, length=40), target=Classes(names=("a", "b"))))
PROFILES = {
    name: Profile(entrant=name, seconds_per_step=s)
    for name, s in (("mlp", 1e-4), ("cnn", 1e-3), ("gru", 5e-2))
}


def planned(seconds, **more):
    return plan_perturbations(
        PROFILES,
        CHANGES,
        seeds=(0, 1, 2),
        time=WorkerTime(workers=2, seconds_left=seconds),
        steps=1000,
        **more,
    )


def test_without_a_clock_everything_is_planned():
    whole = planned(None)
    assert (whole.steps, whole.seeds, whole.left_out) == (1000, (0, 1, 2), ())
    assert all(changes == CHANGES for changes in whole.changes.values())


def test_under_a_clock_steps_go_first_then_the_expensive_networks_changes_then_the_networks():
    roomy, tight, tiny = planned(1500), planned(300), planned(3)
    assert WHY_FEWEST_STEPS <= roomy.steps < 1000
    assert len(roomy.changes["gru"]) == len(CHANGES)
    assert len(tight.changes["mlp"]) == len(CHANGES) > len(tight.changes["gru"]) > 0
    assert "gru" not in tiny.changes
    assert "gru" in tiny.left_out
    for found, seconds in ((roomy, 1500), (tight, 300), (tiny, 3)):
        work = sum(
            PROFILES[n].seconds_per_step * (2 + len(found.seeds) * (1 + len(c)))
            for n, c in found.changes.items()
        )
        assert found.steps * work / 2 <= seconds


def test_a_machine_that_proved_slower_gets_less_to_do():
    slow = plan_perturbations(
        PROFILES,
        CHANGES,
        seeds=(0, 1, 2),
        time=WorkerTime(workers=2, seconds_left=300, slower=4.0),
        steps=1000,
    )
    assert sum(map(len, slow.changes.values())) < sum(map(len, planned(300).changes.values()))


def test_a_text_is_not_said_to_be_a_table_but_that_its_words_are_enough():
    nothing = [("bag_of_words", "word_order"), ("permute_positions", "neighbourhood")]
    cells = [cell("cnn", change, assumption, 0.001, 0.004) for change, assumption in nothing]
    text, series = (
        [s.text() for s in sentences.next_steps(some, ENTRANTS[0], None, ACCURACY)]
        for some in (cells, cells[1:])
    )
    assert any("Which words occur is enough" in sentence for sentence in text)
    assert not any("Treat the positions" in sentence for sentence in text)
    assert any("Treat the positions" in sentence for sentence in series)


def test_what_was_left_out_is_grouped_by_entrant():
    names = [*(f"cnn/permute_blocks_{2**k}" for k in range(1, 6)), "gru", "mlp/mirror"]
    why = Why(
        name="x", metric="accuracy", entrants=(), baseline=0.5, tied=(), cells=(),
        left_out=dict.fromkeys(names, because("unmeasured")),
    )  # fmt: skip
    assert why.left_out_names == (
        "cnn (permute_blocks_2, permute_blocks_4, permute_blocks_8, ... +2)", "gru", "mlp (mirror)",
    )  # fmt: skip
