"""Sentences about: verdict. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {
    "verdict.winner": (
        "{leader} is the best of the {count} that were trained and judged here{missing}: {metric} {score} ({low} to "
        "{high}), ahead of each other one by more than chance explains.",
        "여기서 학습하고 평가한 {count}개 모델{missing} 중 최고는 {leader}입니다: {metric} {score} ({low} ~ {high}). "
        "다른 모든 모델과의 차이가 우연의 범위를 넘습니다.",
    ),
    "verdict.leads": (
        "{leader} leads the {count} that were trained and judged here{missing}: {metric} {score} ({low} to {high}). "
        "The probability that it is the best of them is {probability}; these may also be: {others}.",
        "여기서 학습하고 평가한 {count}개 모델{missing} 중 {leader}이(가) 앞섭니다: {metric} {score} "
        "({low} ~ {high}). "
        "이 중 최고일 확률은 {probability}이며, 다음 모델이 최고일 수도 있습니다: {others}.",
    ),
    "verdict.chosen_behind": (
        "{leader} was chosen on validation from the {count} that were judged here{missing}: {metric} "
        "{score} ({low} to "
        "{high}) on the test examples. There {top} is {gap} ahead, which is within chance. The probability that "
        "{leader} is the best is {probability}; these may also be: {others}.",
        "평가한 {count}개 모델{missing} 중 검증 데이터로 {leader}을(를) 골랐습니다: 시험 데이터의 {metric} {score} "
        "({low} ~ {high}). 시험 데이터에서는 {top}이(가) {gap} 앞서지만 우연의 범위 안입니다. {leader}이(가) 최고일 "
        "확률은 {probability}이며, 다음 모델이 최고일 수도 있습니다: {others}.",
    ),
    "verdict.chosen_far_behind": (
        "{leader} was chosen on validation from the {count} that were judged here{missing}: {metric} "
        "{score} ({low} to "
        "{high}) on the test examples. There {top} is {gap} ahead, more than chance explains between these two. The "
        "probability that {leader} is the best is {probability}; these may also be: {others}.",
        "평가한 {count}개 모델{missing} 중 검증 데이터로 {leader}을(를) 골랐습니다: 시험 데이터의 {metric} {score} "
        "({low} ~ {high}). 그러나 시험 데이터에서는 {top}이(가) {gap} 앞서며, 이 둘의 차이는 우연의 범위를 넘습니다. "
        "{leader}이(가) 최고일 확률은 {probability}이며, 다음 모델이 최고일 수도 있습니다: {others}.",
    ),
    "verdict.missing": (
        " ({names} could not be judged, and may be better or worse)",
        "({names} 제외: 평가하지 못해 더 나은지 알 수 없음)",
    ),
    "verdict.nothing": (
        "Nothing that was judged here{missing} was shown to beat the baseline: {baseline} has {metric} "
        "{baseline_score}, and the best of the {count} others, {leader}, has {score} ({low} to {high}).",
        "평가한 모델{missing} 중 기준선보다 낫다고 입증된 것이 없습니다: {baseline}의 {metric} "
        "{baseline_score}, 나머지 "
        "{count}개 중 가장 좋은 {leader}의 값은 {score} ({low} ~ {high})입니다.",
    ),
    "verdict.nothing_there": (
        "None of the {count} that were judged here{missing} is better than the baseline by {margin} or "
        "more: {baseline} "
        "has {metric} {baseline_score}, and the best of them, {leader}, has {score} ({low} to {high}).",
        "평가한 {count}개 모델{missing} 중 기준선보다 {margin} 이상 나은 것이 없습니다: {baseline}의 {metric} "
        "{baseline_score}, 그중 가장 좋은 {leader}의 값은 {score} ({low} ~ {high})입니다.",
    ),
    "verdict.nobody": (
        "No entrant could be judged, so there is no verdict.",
        "평가를 마친 모델이 없어 판정을 내릴 수 없습니다.",
    ),
    "verdict.only_baseline": (
        "Only the baseline could be judged: {leader} has {metric} {score} ({low} to {high}). Nothing can "
        "be said of any "
        "other.",
        "기준선만 평가할 수 있었습니다: {leader}의 {metric} {score} ({low} ~ {high}). 다른 모델에 "
        "대해서는 아무것도 말할 "
        "수 없습니다.",
    ),
    "verdict.alone": (
        "Only {leader} could be judged: {metric} {score} ({low} to {high}). Whether another does better "
        "is not known.",
        "{leader}만 평가할 수 있었습니다: {metric} {score} ({low} ~ {high}). 다른 모델이 더 나은지는 알 수 없습니다.",
    ),
    "verdict.alone_above": (
        "Only {leader} could be judged beside the baseline: {metric} {score} ({low} to {high}), ahead of {baseline} "
        "({baseline_score}) by more than chance explains. Whether another does better is not known.",
        "기준선 외에는 {leader}만 평가할 수 있었습니다: {metric} {score} ({low} ~ {high}). "
        "{baseline}({baseline_score})보다 "
        "나으며, 그 차이는 우연의 범위를 넘습니다. 다른 모델이 더 나은지는 알 수 없습니다.",
    ),
    "verdict.alone_not_above": (
        "Only {leader} could be judged beside the baseline: {metric} {score} ({low} to {high}), which "
        "was not shown to "
        "beat {baseline} ({baseline_score}). Whether another does better is not known.",
        "기준선 외에는 {leader}만 평가할 수 있었습니다: {metric} {score} ({low} ~ {high}). "
        "{baseline}({baseline_score})보다 낫다고 입증되지 않았습니다. 다른 모델이 더 나은지는 알 수 없습니다.",
    ),
    "verdict.one_seed": (
        "Each network was trained once, so this holds for these very networks; another seed may order "
        "them otherwise.",
        "각 신경망을 한 번씩만 학습했으므로 이 판정은 바로 이 신경망들에만 해당합니다. 시드가 다르면 순서가 바뀔 수 "
        "있습니다.",
    ),
    "verdict.borrowed": (
        "Trained once at full size: {names}; how much a seed matters is taken from other trainings.",
        "전체 데이터로 한 번만 학습한 모델: {names}. 시드에 따른 차이는 다른 학습 결과에서 가져왔습니다.",
    ),
    "verdict.no_network_leads": (
        "You need no neural network here: {name}, which is none, has {score}, the best network, {network}, "
        "{network_score}; no network that was judged is better by {margin} or more.",
        "여기에는 신경망이 필요하지 않습니다: 신경망이 아닌 {name}의 값은 {score}, 가장 좋은 신경망 {network}의 값은 "
        "{network_score}이며, 평가한 신경망 중 {margin} 이상 나은 것은 없습니다.",
    ),
    "verdict.no_network": (
        "You need no neural network here: {name} has {score} and loses less than {margin} against the best (the best "
        "network, {network}, has {network_score}).",
        "여기에는 신경망이 필요하지 않습니다: {name}의 값은 {score}이고, 최고보다 뒤지는 정도는 {margin} "
        "미만입니다 (가장 "
        "좋은 신경망 {network}의 값은 {network_score}).",
    ),
    "verdict.network_open": (
        "Whether you need a neural network is open: {first} has {first_score}, {second}, which is none, "
        "{second_score}. "
        "{deciding}",
        "신경망이 필요한지는 아직 알 수 없습니다: {first}의 값은 {first_score}, 신경망이 아닌 {second}의 값은 "
        "{second_score}입니다. {deciding}",
    ),
    "verdict.network_undertrained": (
        "Whether you need a neural network is open: {second}, which is none, has {second_score}; {first} has "
        "{first_score} and may have been improving still when its steps were over ({steps} of the protocol's "
        "{protocol}). A larger --budget tells.",
        "신경망이 필요한지는 아직 알 수 없습니다: 신경망이 아닌 {second}의 값은 {second_score}이고, {first}의 값은 "
        "{first_score}이지만 학습 단계가 끝났을 때(프로토콜의 {protocol}단계 중 {steps}단계) 아직 나아지고 있었을 수 "
        "있습니다. --budget을 늘리면 알 수 있습니다.",
    ),
    "verdict.deciding.examples": (
        "About {examples} test examples would decide; the {now} here show differences from {smallest} on.",
        "시험 예제가 약 {examples}개면 가릴 수 있습니다. 지금의 {now}개로는 {smallest} 이상의 차이만 드러납니다.",
    ),
    "verdict.deciding.seeds": (
        "About {examples} test examples and {seeds} seeds would decide; the {now} examples here show "
        "differences from "
        "{smallest} on.",
        "시험 예제 약 {examples}개와 시드 {seeds}개면 가릴 수 있습니다. 지금의 예제 {now}개로는 "
        "{smallest} 이상의 차이만 "
        "드러납니다.",
    ),
    "verdict.deciding.beyond": (
        "No number of test examples below a million would decide; the {now} here show differences from "
        "{smallest} on.",
        "시험 예제가 백만 개여도 가릴 수 없습니다. 지금의 {now}개로는 {smallest} 이상의 차이만 드러납니다.",
    ),
    "verdict.cheapest": (
        "The cheapest good choice is {cheapest}: {score} with {flops} FLOPs an example, {times} times fewer than "
        "{leader} ({leader_score}); it loses less than {margin} against the best.",
        "가장 저렴하면서 좋은 선택은 {cheapest}입니다: {score}, 예제당 {flops} FLOPs로 {leader}({leader_score})보다 "
        "{times}배 적으며, 최고보다 뒤지는 정도는 {margin} 미만입니다.",
    ),
    "verdict.cheapest_is_best": (
        "It is also the cheapest of those judged: {cheapest} needs {flops} FLOPs an example.",
        "평가한 모델 중 가장 저렴하기도 합니다: {cheapest}의 예제당 연산량은 {flops} FLOPs입니다.",
    ),
    "verdict.no_cheaper": (
        "None that is cheaper than {cheapest} ({score}, {flops} FLOPs an example) was shown to lose less "
        "than {margin} "
        "against the best.",
        "{cheapest}({score}, 예제당 {flops} FLOPs)보다 저렴하면서 최고에 {margin} 미만으로 뒤진다고 입증된 모델은 "
        "없습니다.",
    ),
    "verdict.point": ("{points} point", "{points}포인트"),
    "verdict.points": ("{points} points", "{points}포인트"),
    "verdict.more_data_helps": (
        "More data should help, if the curve goes on as it did: with {multiple} times as many examples ({examples}), "
        "{entrant} is expected at {score} ({low} to {high}), now {now}.",
        "학습 곡선이 지금처럼 이어진다면 데이터가 많아질수록 좋아질 것입니다: 예제가 {multiple}배({examples}개)이면 "
        "{entrant}의 "
        "예상값은 {score} ({low} ~ {high}), 현재 {now}입니다.",
    ),
    "verdict.more_data_unsure": (
        "More data cannot be promised to help: with {multiple} times as many examples ({examples}), {entrant} is "
        "expected at {score} ({low} to {high}), now {now}.",
        "데이터를 늘려도 좋아진다고 장담할 수 없습니다: 예제가 {multiple}배({examples}개)일 때 {entrant}의 예상값은 "
        "{score} ({low} ~ {high}), 현재 {now}입니다.",
    ),
    "verdict.more_data_withheld": (
        "What more data would bring cannot be forecast for {entrant}: {reason}",
        "데이터를 늘렸을 때 {entrant}의 변화는 예측할 수 없습니다: {reason}",
    ),
    "verdict.crossover": (
        "{behind} is expected to pass {ahead} at about {examples} training examples ({low} to {high}).",
        "학습 예제가 약 {examples}개({low} ~ {high})가 되면 {behind} 모델이 {ahead} 모델을 앞설 것으로 예상됩니다.",
    ),
    "verdict.crossover_open": (
        "{behind} may pass {ahead} at about {examples} training examples (not before {low}, and perhaps never).",
        "학습 예제가 약 {examples}개가 되면 {behind} 모델이 {ahead} 모델을 앞설 수 있습니다 ({low}개 이전은 아니며, "
        "영영 앞서지 못할 수도 있습니다).",
    ),
    "verdict.spared": (
        "Not trained on all examples, since by their learning curves on fewer they cannot win: {names}.",
        "더 적은 예제의 학습 곡선으로 보아 이길 수 없어 전체 예제로는 학습하지 않음: {names}.",
    ),
    "verdict.unjudged": (
        "Not judged: {names}; the table says why.",
        "평가하지 못함: {names}. 이유는 표에 있습니다.",
    ),
    "verdict.unjudged_budget": (
        "The budget was too small to judge {names}; about {seconds} more seconds would do.",
        "예산이 부족하여 평가하지 못함: {names}. 약 {seconds}초가 더 필요합니다.",
    ),
    "verdict.unjudged_time": (
        "The time was over before {names} could be judged: give a larger budget, or a machine that does less else.",
        "{names}을(를) 평가하기 전에 시간이 다 되었습니다. 예산을 늘리거나 다른 작업이 적은 컴퓨터에서 실행하세요.",
    ),
    "verdict.withheld.too_few_points": (
        "its learning curve has fewer than four sizes.",
        "학습 곡선의 크기가 네 개보다 적습니다.",
    ),
    "verdict.withheld.too_noisy": (
        "its learning curve is too noisy for a trend.",
        "학습 곡선의 잡음이 커서 추세를 알 수 없습니다.",
    ),
    "verdict.withheld.dipping": (
        "its learning curve gets worse with more data.",
        "데이터가 늘수록 학습 곡선이 나빠집니다.",
    ),
    "verdict.withheld.peaking": (
        "its learning curve gets worse in the middle and better again (a peak), so that the end says little.",
        "학습 곡선이 중간에 나빠졌다가 다시 좋아집니다(피크). 따라서 끝부분만으로는 알 수 없습니다.",
    ),
    "verdict.withheld.no_learning": (
        "it has not learned anything yet that a trend could be drawn from.",
        "아직 추세를 그릴 만큼 학습된 것이 없습니다.",
    ),
    "verdict.withheld.poor_fit": (
        "no known form of learning curve fits it.",
        "알려진 어떤 학습 곡선 형태와도 맞지 않습니다.",
    ),
    "verdict.withheld.never": (
        "the two curves are not expected to cross within the range of the forecast.",
        "두 곡선은 예측 범위 안에서 만나지 않을 것으로 예상됩니다.",
    ),
    "verdict.withheld.too_uncertain": (
        "the place where the curves cross is too uncertain.",
        "두 곡선이 만나는 지점이 너무 불확실합니다.",
    ),
    "verdict.metric.accuracy": ("accuracy", "정확도"),
    "verdict.metric.balanced_accuracy": ("balanced accuracy", "균형 정확도"),
    "verdict.metric.log_loss": ("log-loss", "로그 손실"),
    "verdict.metric.auroc": ("AUROC", "AUROC"),
    "verdict.metric.auprc": ("AUPRC", "AUPRC"),
    "verdict.metric.macro_f1": ("macro F1", "매크로 F1"),
    "verdict.metric.rmse": ("RMSE", "RMSE"),
    "verdict.metric.mae": ("MAE", "MAE"),
    "verdict.metric.r2": ("R²", "R²"),
    "verdict.metric.mase": ("MASE", "MASE"),
    "verdict.count.one": ("{count}", "{count}"),
    "verdict.count.thousand": ("{count} thousand", "{count}천"),
    "verdict.count.million": ("{count} million", "{count}백만"),
    "verdict.count.billion": ("{count} billion", "{count}십억"),
    "verdict.count.trillion": ("{count} trillion", "{count}조"),
    "verdict.withheld.flat": (
        "its last two sizes do not differ, so that nothing tells a rise from standing still.",
        "마지막 두 크기의 값에 차이가 없어 더 좋아질지 그대로일지 알 수 없습니다.",
    ),
    "verdict.goal.reached": (
        "{goal} is reached with the {examples} training examples that there are, by {names}.",
        "지금 있는 학습 예제 {examples}개로 {goal}에 도달함: {names}.",
    ),
    "verdict.goal.reached_unsure": (
        "With the {examples} training examples that there are, {names}: {goal} on the test examples, but their 95 % "
        "interval reaches beyond it, so that new examples may say otherwise.",
        "지금 있는 학습 예제 {examples}개로 테스트 예제에서 {goal}에 도달함: {names}. 다만 95 % 구간이 목표에 못 "
        "미치는 "
        "값도 포함하므로 새 예제에서는 다를 수 있습니다.",
    ),
    "verdict.goal.likely": (
        "{goal} takes about {examples} training examples ({low} to {high}) with {entrant}, {more} more than there "
        "are, "
        "if the curve goes on as it did.",
        "학습 곡선이 지금처럼 이어진다면 {entrant} 모델이 {goal}에 도달하려면 학습 예제가 약 {examples}개({low} ~ "
        "{high}), "
        "지금보다 {more}개 더 필요합니다.",
    ),
    "verdict.goal.likely_open": (
        "{goal} takes about {examples} training examples with {entrant}, {more} more than there are, if the curve "
        "goes "
        "on as it did (not before {low}, and perhaps not within {multiple} times the data).",
        "학습 곡선이 지금처럼 이어진다면 {entrant} 모델이 {goal}에 도달하려면 학습 예제가 약 {examples}개, 지금보다 "
        "{more}개 더 필요합니다 ({low}개 이전은 아니며, 데이터가 {multiple}배가 되어도 도달하지 못할 수 있습니다).",
    ),
    "verdict.goal.perhaps": (
        "{entrant} more likely does not come to {goal} within {multiple} times the data; if it does, not before "
        "about "
        "{low} training examples.",
        "{entrant} 모델은 데이터가 {multiple}배가 되어도 {goal}에 도달하지 못할 가능성이 더 큽니다. 도달하더라도 "
        "학습 예제 "
        "약 {low}개 이전은 아닙니다.",
    ),
    "verdict.goal.not_there": (
        "Within {multiple} times the data, hardly any curve that the points allow comes to {goal}: {names}.",
        "데이터가 {multiple}배가 되어도 측정값이 허용하는 곡선 가운데 {goal}에 도달하는 것이 거의 없음: {names}.",
    ),
    "verdict.goal.withheld": (
        "When {goal} is reached cannot be said for {names}: {reason}",
        "{goal} 도달 시점을 알 수 없음: {names}. {reason}",
    ),
    "verdict.goal.nobody": (
        "More data of this kind is not shown to lead to {goal}: with {multiple} times as many, {entrant} comes "
        "nearest, "
        "at {score} ({low} to {high}). Another family (--models), other inputs or cleaner labels may.",
        "이런 데이터를 늘리는 것만으로 {goal}에 도달한다는 증거가 없습니다: 데이터가 {multiple}배일 때 가장 가까운 "
        "것은 "
        "{entrant}의 {score} ({low} ~ {high})입니다. 다른 계열(--models), 다른 입력, 더 깨끗한 레이블은 도움이 될 "
        "수 있습니다.",
    ),
    "verdict.goal.nothing": (
        "Nothing measured says when {goal} is reached.",
        "측정한 것만으로는 언제 {goal}에 도달하는지 알 수 없습니다.",
    ),
    "verdict.goal.ceiling": (
        "The labels as they are allow about {ceiling}, less than {goal}: cleaner labels come before more data.",
        "지금의 레이블로는 약 {ceiling}까지만 가능하여 {goal}에 못 미칩니다. 데이터를 늘리기 전에 레이블부터 고쳐야 "
        "합니다.",
    ),
    "verdict.goal.seconds": (
        "{entrant}: one training with so many examples takes about {seconds}.",
        "{entrant}: 그만한 예제로 한 번 학습하는 데 약 {seconds} 걸립니다.",
    ),
    "verdict.needs.worst": (
        "{name} needs data most: {entrant} has {score} there ({low} to {high}, {tested} test examples), {rest} on "
        "the "
        "others; {trained} training examples are of it.",
        "데이터가 가장 필요한 것은 {name}입니다: {entrant}의 값은 여기서 {score} ({low} ~ {high}, 테스트 예제 "
        "{tested}개), "
        "나머지에서 {rest}이며, 그 학습 예제는 {trained}개입니다.",
    ),
    "verdict.needs.worst_tested": (
        "{name} needs data most: {entrant} has {score} there ({low} to {high}, {tested} test examples), {rest} on "
        "the "
        "others.",
        "데이터가 가장 필요한 것은 {name}입니다: {entrant}의 값은 여기서 {score} ({low} ~ {high}, 테스트 예제 "
        "{tested}개), "
        "나머지에서 {rest}입니다.",
    ),
    "verdict.needs.undecided": (
        "Which part needs data most is undecided: {name} has the lowest score, {score} ({low} to {high}), on "
        "{tested} "
        "test examples, the others {rest}; about {would_show} of it would show such a difference.",
        "어느 부분에 데이터가 가장 필요한지 정할 수 없습니다: 가장 낮은 것은 {name}의 {score} ({low} ~ {high}), "
        "테스트 예제 "
        "{tested}개이고 나머지는 {rest}입니다. 이런 차이를 보이려면 그 테스트 예제가 약 {would_show}개 필요합니다.",
    ),
    "verdict.needs.alike": (
        "No part was shown to need data more than the others ({entrant}).",
        "다른 부분보다 데이터가 더 필요하다고 입증된 부분이 없습니다 ({entrant}).",
    ),
    "verdict.labels.wrong": (
        "{share} of the labels look wrong ({low} to {high}): of the {counted} test examples of which {first} and "
        "{second} "
        "are surest, {wrong} have another label than both answer. Such labels allow about {ceiling} at most, so "
        "look at "
        "those listed before you collect more.",
        "레이블의 {share}가 잘못된 것으로 보입니다 ({low} ~ {high}): {first}, {second} 모델이 가장 확신하는 테스트 예제 "
        "{counted}개 가운데 {wrong}개의 레이블이 두 모델의 답과 다릅니다. 이런 레이블로는 약 {ceiling}까지만 가능하므로, 데이터를 더 "
        "모으기 전에 아래 예제부터 살펴보세요.",
    ),
    "verdict.labels.none_shown": (
        "No wrong labels are shown ({low} to {high} of them may be): of the {counted} test examples of which "
        "{first} and "
        "{second} are surest, {wrong} have another label than both answer.",
        "잘못된 레이블은 입증되지 않았습니다 (있더라도 {low} ~ {high}): {first}, {second} 모델이 가장 확신하는 테스트 예제 "
        "{counted}개 가운데 레이블이 두 모델의 답과 다른 것은 {wrong}개입니다.",
    ),
}
