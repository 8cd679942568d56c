"""Sentences about: report. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {
    # page and sections
    "report.title": ("Comparison on {data}", "{data} 비교"),
    "report.kicker": ("Which neural network fits these data", "이 데이터에 맞는 신경망은 무엇인가"),
    "report.kicker_fit": ("One network, trained well", "신경망 하나를 제대로 학습한 결과"),
    "report.kicker_why": ("Which assumptions the networks depend on", "신경망이 의존하는 가정"),
    "report.kicker_explain": ("What a trained network looks at", "학습한 신경망이 보는 것"),
    "report.contents": ("Contents", "차례"),
    "report.section.verdict": ("Verdict", "판정"),
    "report.section.entrants": ("Entrants", "참가 모델"),
    "report.section.curves": ("Would more data help?", "데이터가 더 있으면 나아질까?"),
    "report.section.cost": ("What does it cost?", "비용은 얼마나 드는가?"),
    "report.section.confusion": ("What is taken for what", "무엇을 무엇으로 착각하는가"),
    "report.section.residuals": ("Predicted and true values", "예측값과 실제값"),
    "report.section.horizon": ("Error by step ahead", "예측 단계별 오차"),
    "report.section.classes": ("Each class", "클래스별 결과"),
    "report.section.mistakes": ("The most confident mistakes", "가장 확신한 오답"),
    "report.section.errors": ("The largest errors", "가장 큰 오차"),
    "report.section.why": ("Why", "이유"),
    "report.section.tested": ("Only tested on the changed data", "재학습 없이 변경된 데이터로 시험"),
    "report.section.goal": ("The way to the goal", "목표까지"),
    "report.section.data": ("The data", "데이터"),
    "report.section.trials": ("Every training", "모든 학습 기록"),
    "report.section.left_out": ("Left out, and why", "제외한 것과 그 이유"),
    "report.section.warnings": ("Warnings", "주의 사항"),
    "report.section.conditions": ("Conditions", "실행 조건"),
    # verdict
    "report.verdict.winner": ("Winner", "승자"),
    "report.verdict.tie": ("{leader} leads, not decided", "{leader} 선두, 아직 미정"),
    "report.verdict.nothing": (
        "Nothing was shown to beat the baseline",
        "기준선보다 낫다고 입증된 모델 없음",
    ),
    "report.verdict.nobody": ("No verdict", "판정 없음"),
    "report.verdict.between": ("{low} to {high}", "{low} ~ {high}"),
    "report.fact.probability": ("probability of being the best", "최고일 확률"),
    "report.fact.judged": ("{count} entrants judged", "모델 {count}개 평가"),
    "report.fact.trainings": ("trainings", "학습 횟수"),
    "report.fact.seconds": ("taken", "소요 시간"),
    "report.fact.seconds_of": ("taken, of {budget} allowed", "소요 시간 (허용 {budget})"),
    "report.fact.examples": ("training examples", "학습 예제"),
    "report.fact.test_examples": ("test examples", "시험 예제"),
    # tables
    "report.table.entrant": ("entrant", "모델"),
    "report.table.interval": ("{metric} (95 %)", "{metric} (95 %)"),
    "report.table.best": ("best?", "최고 확률"),
    "report.table.parameters": ("parameters", "매개변수"),
    "report.table.flops": ("FLOPs / example", "FLOPs / 예제"),
    "report.table.flops_short": ("FLOPs", "FLOPs"),
    "report.table.seconds": ("training", "학습 시간"),
    "report.table.at_sizes": (
        "{metric} at each number of training examples",
        "학습 예제 수에 따른 {metric}",
    ),
    "report.table.class": ("class", "클래스"),
    "report.table.examples": ("examples", "예제 수"),
    "report.table.precision": ("precision", "정밀도"),
    "report.table.recall": ("recall", "재현율"),
    "report.table.f1": ("F1", "F1"),
    "report.table.mistaken": ("mostly taken for", "주로 착각하는 클래스"),
    "report.table.true": ("true class", "실제 클래스"),
    "report.table.taken": ("taken for", "예측 클래스"),
    "report.table.times": ("times", "횟수"),
    "report.table.seed": ("seed", "시드"),
    "report.table.setting": ("setting", "설정값"),
    "report.table.steps": ("steps", "스텝"),
    "report.table.state": ("state", "상태"),
    "report.table.validation": ("validation", "검증"),
    "report.table.time": ("time", "시간"),
    "report.table.reason": ("reason", "이유"),
    "report.table.forecast": ("with {multiple} times the data", "데이터 {multiple}배일 때"),
    "report.table.outlook": ("outlook", "전망"),
    "report.table.examples_needed": ("examples needed", "필요한 예제"),
    "report.table.examples_interval": ("80 % interval", "80 % 구간"),
    "report.table.examples_more": ("more than now", "지금보다 더"),
    # the way to a goal (keys are those of `study.analysis.goal.Outlook`)
    "report.goal.reached": ("there already", "이미 도달"),
    "report.goal.reached_unsure": (
        "there on these test examples, not surely",
        "시험 예제에서는 도달, 확실치 않음",
    ),
    "report.goal.likely": ("likely", "가능성 높음"),
    "report.goal.perhaps": ("less likely than not", "가능성 낮음"),
    "report.goal.not_there": (
        "hardly within {multiple} times the data",
        "데이터가 {multiple}배여도 거의 불가능",
    ),
    "report.goal.withheld": ("cannot be said", "알 수 없음"),
    "report.goal.beyond": ("beyond ×{multiple}", "×{multiple} 초과"),
    # states
    "report.state.finished": ("finished", "완료"),
    "report.state.early": ("stopped early", "조기 종료"),
    "report.state.outpaced": ("outpaced", "중도 탈락"),
    "report.state.partial": ("partly judged", "일부만 평가"),
    "report.state.not_started": ("not started", "시작 안 함"),
    "report.state.stopped": ("stopped", "중단"),
    "report.state.diverged": ("diverged", "발산"),
    "report.state.failed": ("failed", "실패"),
    "report.state.spared": ("not trained on all examples", "전체 예제로는 학습하지 않음"),
    "report.unjudged": ("not judged", "평가하지 못함"),
    "report.needed": ("about {time} more would do", "약 {time} 더 필요"),
    "report.badge.winner": ("best", "최고"),
    "report.badge.tied": ("may be the best", "최고일 수 있음"),
    "report.badge.cheapest": ("cheapest good choice", "저렴하고 좋은 선택"),
    "report.no_score": ("–", "–"),
    # figures
    "report.axis.training_step": ("training step", "학습 스텝"),
    "report.axis.loss": ("loss", "손실"),
    "report.axis.input_step": ("step of the input", "입력 시점"),
    "report.axis.gradient": ("gradient norm", "기울기 크기"),
    "report.axis.examples": ("training examples", "학습 예제 수"),
    "report.axis.taken": ("taken for", "예측"),
    "report.axis.true": ("true class", "실제"),
    "report.axis.true_value": ("true value", "실제값"),
    "report.axis.predicted_value": ("predicted value", "예측값"),
    "report.axis.step": ("steps ahead", "앞선 단계 수"),
    "report.axis.error": ("mean absolute error", "평균 절대 오차"),
    "report.cost.flops": ("FLOPs per example", "예제당 FLOPs"),
    "report.cost.parameters": ("parameters", "매개변수 수"),
    "report.cost.seconds": ("training time", "학습 시간"),
    "report.figure.now": ("data you have", "현재 데이터"),
    "report.figure.measured": ("measured, 95 %", "측정, 95 %"),
    "report.figure.expected": ("expected, 80 %", "예상, 80 %"),
    "report.figure.zoom": ("Zoom in on the best", "상위권 확대"),
    "report.figure.whole": ("Show all", "전체 보기"),
    "report.figure.no_script": (
        "The figures need JavaScript and a browser of 2023 or later; tables and sentences hold the same numbers.",
        "그림을 보려면 JavaScript와 2023년 이후의 브라우저가 필요합니다. 표와 문장에 같은 수치가 있습니다.",
    ),
    "report.hover.measured": (
        "{examples} examples: {score}<br>95 %: {low} to {high}",
        "예제 {examples}개: {score}<br>95 %: {low} ~ {high}",
    ),
    "report.hover.forecast": (
        "{examples} examples, expected: {score}<br>80 %: {low} to {high}",
        "예제 {examples}개, 예상: {score}<br>80 %: {low} ~ {high}",
    ),
    "report.hover.confusion": (
        "{true} taken for {taken}: {count} ({share})",
        "실제 {true}, 예측 {taken}: {count}개 ({share})",
    ),
    "report.hover.loss": ("step {step}: {loss}", "{step}스텝: {loss}"),
    "report.hover.kept": ("step {step}: these weights are kept", "{step}스텝: 보관한 가중치"),
    "report.hover.gradient": ("step {step}: {norm}", "{step}번째 시점: {norm}"),
    "report.hover.residual": ("true {true}<br>predicted {predicted}", "실제 {true}<br>예측 {predicted}"),
    "report.hover.horizon": ("{step} ahead: {error}", "{step}단계 앞: {error}"),
    # figures in words, for those who do not see them
    "report.alt.curves": (
        "Learning curves: {metric} of {count} entrants from {first} to {last} training examples. At the most, {best} "
        "is ahead with {score}. The table below holds every number.",
        "학습 곡선: 학습 예제 {first}개부터 {last}개까지 모델 {count}개의 {metric}. 가장 많을 때 가장 높은 모델은 "
        "{best}, {score}. 모든 수치는 아래 표에 있습니다.",
    ),
    "report.alt.cost": (
        "{metric} against {cost} of {count} entrants. On the Pareto front, the cheapest first: {front}. The table of "
        "entrants holds every number.",
        "모델 {count}개의 {cost} 대비 {metric}. 파레토 경계(저렴한 순): {front}. 모든 수치는 모델 표에 있습니다.",
    ),
    "report.alt.horizon": (
        "Mean absolute error by step ahead. {lines}.",
        "앞선 단계별 평균 절대 오차. {lines}.",
    ),
    "report.alt.horizon_line": (
        "{name}: {first} at step 1, {last} at step {steps}",
        "{name}: 1단계 {first}, {steps}단계 {last}",
    ),
    "report.alt.right": (
        "{entrant} is right on {right} of {count} test examples.",
        "{entrant}: 시험 예제 {count}개 중 {right}개 정답.",
    ),
    "report.alt.mistakes": ("Most frequent mistakes: {mistakes}.", "가장 잦은 오답: {mistakes}."),
    "report.alt.mistake": ("{true} taken for {taken} ({count})", "실제 {true}, 예측 {taken} ({count}개)"),
    "report.alt.residuals": (
        "Predicted against true values of {entrant}: of the {shown} that are shown, half are at most {half} off, the "
        "furthest is {furthest} off.",
        "{entrant}의 실제값 대비 예측값: 표시한 {shown}개 가운데 절반은 오차가 {half} 이하이고, 가장 큰 오차는 "
        "{furthest}입니다.",
    ),
    "report.alt.losses": (
        "Loss by training step: the training loss goes from {first} to {last} in {steps} steps; the weights of step "
        "{best} are kept, with a validation loss of {kept}.",
        "학습 스텝별 손실: 학습 손실은 {steps}스텝 동안 {first}에서 {last}로 바뀌었습니다. 검증 손실이 {kept}인 "
        "{best}스텝의 가중치를 보관했습니다.",
    ),
    "report.alt.reach": (
        "Gradient norm by step of the input: the last {steps} of {length} steps hold 95 % of it.",
        "입력 시점별 기울기 크기: 전체 {length}개 시점 중 마지막 {steps}개에 95 %가 있습니다.",
    ),
    # explanations under figures and tables
    "report.note.entrants": (
        "Scores are on {count} test examples that no choice was made on, with 95 % intervals over examples "
        "and seeds.",
        "점수는 어떤 선택에도 쓰지 않은 시험 예제 {count}개로 구했으며, 예제와 시드에 대한 95 % 구간입니다.",
    ),
    "report.note.partial": (
        "Only a part of the protocol fitted the budget for {names}: some seeds or sizes were left out.",
        "예산 안에서 절차의 일부만 마친 모델: {names}. 일부 시드나 크기를 제외했습니다.",
    ),
    "report.note.curves": (
        "Measured on the same test examples; plain bands are 95 % intervals.",
        "같은 시험 예제로 측정했으며 무늬 없는 띠는 95 % 구간입니다.",
    ),
    "report.note.curves_ahead": (
        "Dotted: what more data is expected to bring; hatched bands are 80 % intervals, narrower than 95 % ones "
        "would be.",
        "점선은 데이터가 더 많을 때의 예상값입니다. 빗금 친 띠는 80 % 구간이어서 95 % 구간보다 좁습니다.",
    ),
    "report.note.withheld": ("No forecast for {entrant}: {reason}", "{entrant}의 예측을 보류함: {reason}"),
    "report.note.withheld_several": (
        "No forecast for {entrant}: in each case {reason}",
        "{entrant}의 예측을 보류함: {reason}",
    ),
    "report.note.cost": (
        "Filled and on the line: nobody else is as good and as cheap (the Pareto front). One multiply-add "
        "counts as 2 FLOPs.",
        "속이 찬 점과 선: 더 저렴하면서 더 나은 모델이 없습니다(파레토 경계). 곱셈-덧셈 한 번은 2 FLOPs입니다.",
    ),
    "report.note.confusion": (
        "Answers of {entrant} on the test examples. Rows are the true classes; shades are shares of a row.",
        "시험 예제에 대한 {entrant}의 답입니다. 행은 실제 클래스이며, 농도는 행 안에서의 비율입니다.",
    ),
    "report.note.confusion_pairs": (
        "The most frequent mistakes of {entrant} on the test examples ({count} classes are too many for a matrix).",
        "시험 예제에서 {entrant}의 가장 잦은 오답입니다(클래스가 {count}개여서 행렬로 보이지 않습니다).",
    ),
    "report.note.residuals": (
        "Answers of {entrant} on the test examples ({shown} of {count} values shown); on the dotted line "
        "they are exact.",
        "시험 예제에 대한 {entrant}의 답입니다({count}개 값 중 {shown}개 표시). 점선 위에서는 정확합니다.",
    ),
    "report.note.horizon": (
        "Mean absolute error on the test examples, by how far ahead.",
        "얼마나 앞을 예측하는지에 따른 시험 예제의 평균 절대 오차입니다.",
    ),
    "report.note.mistakes": (
        "Test examples that {entrant} got wrong while most sure of itself. Look for wrong labels here first.",
        "{entrant}이(가) 가장 확신하면서 틀린 시험 예제입니다. 라벨 오류가 있는지 먼저 확인해 보십시오.",
    ),
    "report.note.large_errors": (
        "Test examples where {entrant} is furthest from the true value.",
        "{entrant}의 예측이 실제값에서 가장 먼 시험 예제입니다.",
    ),
    "report.note.trials": (
        "{count} trainings. The setting was chosen on validation examples alone.",
        "학습 {count}회. 설정값은 검증 예제만으로 골랐습니다.",
    ),
    "report.mistake.sure": ("{share} sure", "확신 {share}"),
    "report.mistake.example": ("example {index}", "예제 {index}"),
    "report.mistake.pair": ("predicted {answer}, true {truth}", "예측 {answer}, 실제 {truth}"),
    "report.mistake.deviations": ("{count} standard deviations off", "표준편차의 {count}배 차이"),
    "report.graph": ("{nodes} nodes, {edges} edges", "노드 {nodes}개, 엣지 {edges}개"),
    "report.more_columns": ("and {count} more columns", "외 열 {count}개"),
    "report.show_trials": ("Show all {count}", "{count}개 모두 보기"),
    "report.toggle": ("Show or hide in the figure", "그림에서 표시 또는 숨김"),
    "report.made_by": (
        "Made by bakeoff {version}. This file holds everything it shows and asks no network for anything.",
        "bakeoff {version}이(가) 만든 문서입니다. 모든 내용이 이 파일 안에 있으며 네트워크를 쓰지 않습니다.",
    ),
    "report.condition.seed": ("seed", "시드"),
    "report.condition.budget": ("budget", "예산"),
    "report.condition.budget_none": ("none", "없음"),
    "report.condition.seeds": ("seeds asked for", "요청한 시드 수"),
    # what was equal among the networks
    "report.section.given": ("What every network was given", "신경망마다 주어진 것"),
    "report.condition.equal": ("equal for all networks", "모든 신경망에 똑같이 준 것"),
    "report.equal.name.steps": ("steps", "스텝"),
    "report.equal.name.parameters": ("parameters", "매개변수"),
    "report.equal.name.flops": ("training FLOPs", "학습 FLOPs"),
    "report.equal.name.seconds": ("training time", "학습 시간"),
    "report.equal.steps": (
        "Equal for every network: {amount} optimiser steps in each training.",
        "모든 신경망에 똑같이 준 것: 학습마다 {amount}스텝.",
    ),
    "report.equal.parameters": (
        "Equal for every network: about {amount} parameters, its width set for that.",
        "모든 신경망에 똑같이 준 것: 너비를 조절해 맞춘 매개변수 약 {amount}개.",
    ),
    "report.equal.flops": (
        "Equal for every network: {amount} FLOPs in each training at full size, in as many steps as that makes.",
        "모든 신경망에 똑같이 준 것: 전체 데이터 학습마다 {amount} FLOPs. 스텝 수는 그에 따라 다릅니다.",
    ),
    "report.equal.seconds": (
        "Equal for every network: about {amount} for each training, in as many steps as were timed to fit.",
        "모든 신경망에 똑같이 준 것: 학습마다 약 {amount}. 스텝 수는 측정한 속도에 따라 다릅니다.",
    ),
    "report.equal.capped": (
        "Less for {names}: ten times the usual steps are not exceeded.",
        "{names}: 보통 스텝 수의 열 배까지만 학습하므로 이보다 적습니다.",
    ),
    "report.equal.other_sizes": (
        "Other sizes, for want of a width that fits: {names}.",
        "맞는 너비가 없어 크기가 다른 모델: {names}.",
    ),
    "report.table.training_flops": ("FLOPs / training", "FLOPs / 학습"),
    "report.table.training_seconds": ("time / training", "시간 / 학습"),
    "report.condition.learning_rate": ("setting of {entrant}", "{entrant}의 설정값"),
    "report.condition.metric": ("deciding metric", "판정 지표"),
    # lengths of time
    "report.time.ms": ("{count} ms", "{count} ms"),
    "report.time.s": ("{count} s", "{count}초"),
    "report.time.min": ("{count} min", "{count}분"),
    "report.time.h": ("{count} h", "{count}시간"),
    # what was not done (keys are those of `study.results.outcome.Skipped.what`)
    "report.skipped.fault": ("cannot take part: {reason}", "참가할 수 없음: {reason}"),
    "report.skipped.too_dear": ("not trained, since {reason}.", "학습하지 않음: {reason}."),
    "report.skipped.spared": (
        "not trained on all examples: {reason}.",
        "전체 예제로는 학습하지 않음: {reason}.",
    ),
    "report.skipped.climbed": (
        "not trained on all examples: {reason}.",
        "전체 예제로는 학습하지 않음: {reason}.",
    ),
    "report.skipped.not_started": ("not started: {reason}.", "시작하지 않음: {reason}."),
    "report.skipped.seeds": (
        "no further seeds at full size: {reason}.",
        "전체 데이터에서 시드를 더 쓰지 않음: {reason}.",
    ),
    "report.skipped.curve": ("no learning curve: {reason}.", "학습 곡선 없음: {reason}."),
    "report.skipped.long_curve": (
        "no smaller sizes on its learning curve: {reason}.",
        "학습 곡선에서 더 작은 크기를 생략함: {reason}.",
    ),
    "report.skipped.curve_seeds": (
        "one seed only on its learning curve: {reason}.",
        "학습 곡선에 시드를 하나만 사용함: {reason}.",
    ),
    "report.skipped.cannot_win": (
        "not followed further, since it can no longer win: {reason}.",
        "더 이상 이길 수 없어 계속하지 않음: {reason}.",
    ),
    "report.skipped.needs": ("It would take about {time}.", "약 {time}이(가) 필요합니다."),
    # the end of a run
    "report.done.seconds": ("taken", "소요 시간"),
    "report.done.report": ("report", "보고서"),
    "report.done.champion": ("champion", "최종 모델"),
    "report.done.best_network": ("best network", "가장 좋은 신경망"),
    # progress
    "report.progress.left": ("{time} left", "{time} 남음"),
    "report.progress.no_limit": ("no time limit", "시간 제한 없음"),
    "report.progress.phase.profile": ("timing each network", "신경망 속도 측정"),
    "report.progress.phase.tuning": ("choosing settings", "설정값 선택"),
    "report.progress.phase.curves": ("learning curves", "학습 곡선"),
    "report.progress.phase.why": ("training on changed data", "변경된 데이터로 학습"),
    "report.progress.phase.verdict": ("reaching a verdict", "판정"),
    "report.progress.phase.fit": ("training", "학습"),
    "report.progress.phase.report": ("writing the report", "보고서 작성"),
    # predict
    "report.predict.head": ("{count} examples, predicted by {entrant}", "예제 {count}개, {entrant}의 예측"),
    "report.predict.head_one": ("1 example, predicted by {entrant}", "예제 1개, {entrant}의 예측"),
    "report.predict.more": ("and {count} more", "외 {count}개"),
    "report.predict.written": ("Written to {file}.", "{file}에 저장했습니다."),
    "report.predict.score": (
        "The new data hold the target: {metric} {score} on {count} examples.",
        "새 데이터에 정답이 있습니다: 예제 {count}개에서 {metric} {score}.",
    ),
    "report.predict.stand_in": (
        "The comparison's best is {leader}, which is not kept; these are the answers of the best network, {entrant}.",
        "비교에서 가장 좋은 모델은 {leader}이지만 저장되지 않습니다. 이것은 가장 좋은 신경망 {entrant}의 답입니다.",
    ),
    "report.predict.seen": (
        "{seen} of them the network was trained on or chosen by. On the {rest} others: {metric} {score}.",
        "그중 {seen}개는 이 신경망을 학습하거나 고르는 데 쓰였습니다. 나머지 {rest}개에서는 {metric} {score}.",
    ),
    "report.predict.all_seen": (
        "The network was trained on them or chosen by them: this score says nothing of new data.",
        "모두 이 신경망을 학습하거나 고르는 데 쓰인 예제이므로 새 데이터에 대한 점수가 아닙니다.",
    ),
    "report.predict.input": ("input", "입력"),
    "report.predict.predicted": ("predicted", "예측"),
    "report.predict.sure": ("probability", "확률"),
}
