"""Sentences about: why. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {
    "why.matters.neighbourhood": (
        "Neighbourhood matters here: shuffling the positions costs {entrant} {loss} ({low} to {high}){rest}.",
        "이웃 관계가 중요합니다: 위치를 섞으면 {entrant} 모델은 {loss}({low} ~ {high})을(를) 잃습니다{rest}.",
    ),
    "why.matters.order": (
        "Order matters here: shuffling the steps of each example anew costs {entrant} {loss} ({low} to "
        "{high}){rest}.",
        "순서가 중요합니다: 예제마다 시점을 새로 섞으면 {entrant} 모델은 {loss}({low} ~ {high})을(를) "
        "잃습니다{rest}.",
    ),
    "why.matters.word_order": (
        "Word order carries {loss} ({low} to {high}) for {entrant}{rest}.",
        "{entrant} 모델에서 단어 순서의 몫은 {loss}({low} ~ {high})입니다{rest}.",
    ),
    "why.matters.place": (
        "Place matters here: moving each example around at random costs {entrant} {loss} ({low} to "
        "{high}){rest}.",
        "위치가 중요합니다: 예제를 무작위로 옮기면 {entrant} 모델은 {loss}({low} ~ {high})을(를) "
        "잃습니다{rest}.",
    ),
    "why.matters.handedness": (
        "Left and right matter here: mirroring images at random costs {entrant} {loss} ({low} to "
        "{high}){rest}.",
        "좌우가 중요합니다: 이미지를 무작위로 뒤집으면 {entrant} 모델은 {loss}({low} ~ {high})을(를) "
        "잃습니다{rest}.",
    ),
    "why.matters.upright": (
        "Up and down matter here: turning images at random costs {entrant} {loss} ({low} to {high}){rest}.",
        "위아래가 중요합니다: 이미지를 무작위로 돌리면 {entrant} 모델은 {loss}({low} ~ {high})을(를) "
        "잃습니다{rest}.",
    ),
    "why.matters.direction": (
        "The direction of time matters here: reversing examples at random costs {entrant} {loss} ({low} to "
        "{high}){rest}.",
        "시간의 방향이 중요합니다: 예제를 무작위로 거꾸로 하면 {entrant} 모델은 {loss}({low} ~ "
        "{high})을(를) 잃습니다{rest}.",
    ),
    "why.matters.recency": (
        "{entrant} relies on what came last: {doing} costs it {loss} ({low} to {high}){rest}.",
        "{entrant} 모델은 마지막에 온 것에 의존합니다: {doing} {loss}({low} ~ {high})을(를) 잃습니다{rest}.",
    ),
    "why.doing.backwards": ("reading every example backwards", "모든 예제를 거꾸로 읽으면"),
    "why.doing.add_silence": (
        "{amount} silent steps at the end",
        "끝에 조용한 시점 {amount}개를 더하면",
    ),
    "why.matters.axes": (
        "Single columns matter here: turning the table's axes costs {entrant} {loss} ({low} to {high}){rest}.",
        "개별 열이 중요합니다: 표의 축을 회전하면 {entrant} 모델은 {loss}({low} ~ {high})을(를) "
        "잃습니다{rest}.",
    ),
    "why.matters.links": (
        "Which nodes are linked matters here, not only how many links each has: rewiring the edges costs {entrant} "
        "{loss} ({low} to {high}){rest}.",
        "노드마다 엣지가 몇 개인지뿐 아니라 어느 노드와 이어졌는지가 중요합니다: 엣지를 다시 연결하면 {entrant} 모델은 "
        "{loss}({low} ~ {high})을(를) 잃습니다{rest}.",
    ),
    "why.matters.edges": (
        "The edges matter here: without them {entrant} loses {loss} ({low} to {high}){rest}.",
        "엣지가 중요합니다: 엣지를 없애면 {entrant} 모델은 {loss}({low} ~ {high})을(를) 잃습니다{rest}.",
    ),
    "why.matters.node_features": (
        "What each node holds matters here: making all nodes alike costs {entrant} {loss} ({low} to {high}){rest}.",
        "노드가 가진 값이 중요합니다: 모든 노드를 똑같게 만들면 {entrant} 모델은 {loss}({low} ~ {high})을(를) "
        "잃습니다{rest}.",
    ),
    "why.matters.numbering": (
        "The numbering of the nodes matters here: numbering each graph's nodes anew costs {entrant} {loss} ({low} to "
        "{high}){rest}.",
        "노드의 번호가 중요합니다: 그래프마다 노드 번호를 새로 매기면 {entrant} 모델은 {loss}({low} ~ {high})을(를) "
        "잃습니다{rest}.",
    ),
    "why.matters.memory": (
        "The past matters here: seeing only the last {amount} steps costs {entrant} {loss} ({low} to "
        "{high}){rest}.",
        "과거가 중요합니다: 마지막 {amount}개 시점만 보면 {entrant} 모델은 {loss}({low} ~ {high})을(를) "
        "잃습니다{rest}.",
    ),
    "why.memory_length": (
        "The last {enough} of {length} steps are enough for {entrant} (loss {loss}, {low} to {high}); the "
        "last {too_few} are "
        "not (loss {worse}, {worse_low} to {worse_high}).",
        "{entrant} 모델에는 {length}개 시점 중 마지막 {enough}개면 충분하고(손실 {loss}, {low} ~ {high}), "
        "마지막 "
        "{too_few}개로는 부족합니다(손실 {worse}, {worse_low} ~ {worse_high}).",
    ),
    "why.matters.scale": (
        "The arrangement within {amount} neighbouring positions matters: shuffling inside such blocks costs "
        "{entrant} "
        "{loss} ({low} to {high}){rest}.",
        "이웃한 {amount}개 위치 안의 배열이 중요합니다: 그 블록 안을 섞으면 {entrant} 모델은 {loss}({low} ~ "
        "{high})을(를) "
        "잃습니다{rest}.",
    ),
    "why.matters.fine_detail": (
        "Fine detail matters here: removing high frequencies costs {entrant} {loss} ({low} to {high}){rest}.",
        "세밀한 부분이 중요합니다: 고주파를 없애면 {entrant} 모델은 {loss}({low} ~ {high})을(를) "
        "잃습니다{rest}.",
    ),
    "why.matters.coarse_shape": (
        "Coarse shape matters here: removing low frequencies costs {entrant} {loss} ({low} to {high}){rest}.",
        "큰 형태가 중요합니다: 저주파를 없애면 {entrant} 모델은 {loss}({low} ~ {high})을(를) 잃습니다{rest}.",
    ),
    "why.matters.resolution": (
        "Resolution matters here: half of it costs {entrant} {loss} ({low} to {high}){rest}.",
        "해상도가 중요합니다: 절반으로 줄이면 {entrant} 모델은 {loss}({low} ~ {high})을(를) 잃습니다{rest}.",
    ),
    "why.matters.precision": (
        "Precise values matter here: added noise costs {entrant} {loss} ({low} to {high}){rest}.",
        "정확한 값이 중요합니다: 잡음을 더하면 {entrant} 모델은 {loss}({low} ~ {high})을(를) 잃습니다{rest}.",
    ),
    "why.rest.none": ("", ""),
    "why.rest.nothing": (
        ", and {other} nothing that could be shown ({low} to {high})",
        ". {other} 모델의 손실은 입증되지 않았습니다({low} ~ {high})",
    ),
    "why.rest.less": (
        ", and {other} only {loss} ({low} to {high})",
        ". {other} 모델은 {loss}({low} ~ {high})만 잃습니다",
    ),
    "why.rest.more": (
        ", and {other} more: {loss} ({low} to {high})",
        ". {other} 모델은 더 많은 {loss}({low} ~ {high})을(를) 잃습니다",
    ),
    "why.rest.words": (
        "; most of the signal is in which words occur",
        ". 신호의 대부분은 어떤 단어가 나오는지에 있습니다",
    ),
    "why.nothing": (
        "No assumption could be shown to matter on these data ({cells} comparisons, false alarm in 1 of 20 "
        "such tables).",
        "이 데이터에서 중요하다고 입증된 가정이 없습니다(비교 {cells}건, 이런 표 20개 중 1개에서 오경보 가능).",
    ),
    "why.no_signal": (
        "Nothing was shown to be learned here, so there is no bias to explain: {entrant} has {score}, the "
        "baseline {baseline}.",
        "학습된 것이 입증되지 않아 설명할 편향이 없습니다: {entrant}의 값은 {score}, 기준선은 "
        "{baseline}입니다.",
    ),
    "why.unmeasured.short": (
        "Why they differ was not measured: a budget under 40 s has no time for it. `bakeoff why DATA` measures it.",
        "왜 차이가 나는지는 측정하지 못했습니다: 예산이 40초보다 작으면 시간이 없습니다. `bakeoff why DATA`로 "
        "측정할 수 있습니다.",
    ),
    "why.unmeasured.dear": (
        "Why they differ was not measured: training {names} again on changed data would take about {seconds} s "
        "of this budget's last part. Give a larger budget, or `bakeoff why DATA`.",
        "왜 차이가 나는지는 측정하지 못했습니다: 변경된 데이터로 {names} 모델을 다시 학습하려면 예산의 마지막 "
        "몫에 약 {seconds}초가 더 필요합니다. 예산을 늘리거나 `bakeoff why DATA`를 쓰세요.",
    ),
    "why.unmeasured.stopped": (
        "Why they differ was not measured: no training on changed data was finished in time. `bakeoff why DATA` "
        "measures it.",
        "왜 차이가 나는지는 측정하지 못했습니다: 변경된 데이터로 제시간에 끝난 학습이 없습니다. "
        "`bakeoff why DATA`로 측정할 수 있습니다.",
    ),
    "why.more": (
        "`bakeoff why DATA` tests every assumption, for every family.",
        "`bakeoff why DATA`는 모든 모델 계열에 대해 모든 가정을 시험합니다.",
    ),
    "why.closing.title": (
        "{metric} lost when an assumption is removed: trained again with the same learning rate and steps, {seeds} "
        "seeds, ± 95 %",
        "가정을 없앴을 때 잃는 {metric}: 같은 학습률과 스텝으로 재학습, 시드 {seeds}개, ± 95 %",
    ),
    "why.closing.tested": (
        "The same networks as they were, only tested on the changed data",
        "재학습 없이 변경된 데이터로 시험만 한 경우",
    ),
    "why.helps": (
        "{entrant} gains {gain} ({low} to {high}) by the change '{change}': consider it as a preparation of "
        "the data.",
        "'{change}' 변경으로 {entrant} 모델은 {gain}({low} ~ {high})을(를) 얻습니다. 데이터 준비 단계로 "
        "고려해 보세요.",
    ),
    "why.advice.family": (
        "Start with {names}: nothing else is as good on these data ({score}).",
        "{names}부터 시작하세요: 이 데이터에서 이만한 것이 없습니다({score}).",
    ),
    "why.advice.families": (
        "Start with the cheapest of {names}: they cannot be told apart on these data ({score}).",
        "{names} 중 가장 저렴한 것부터 시작하세요: 이 데이터로는 우열을 가릴 수 없습니다({score}).",
    ),
    "why.advice.larger": (
        "Take it larger: {entrant} with width {width} instead of {usual} ({parameters} parameters) gains {loss} ({low} "
        "to {high}).",
        "더 크게 만드세요: {entrant} 모델의 너비를 {usual}에서 {width}(으)로 하면(매개변수 {parameters}개) "
        "{loss}({low} ~ {high})을(를) 얻습니다.",
    ),
    "why.advice.smaller": (
        "Half the size is enough: {entrant} with width {width} instead of {usual} ({parameters} parameters) loses "
        "{loss} ({low} to {high}), next to nothing.",
        "절반 크기로 충분합니다: {entrant} 모델의 너비를 {usual}에서 {width}(으)로 줄여도(매개변수 {parameters}개) "
        "잃는 것은 {loss}({low} ~ {high})로 거의 없습니다.",
    ),
    "why.advice.not_smaller": (
        "Do not take it smaller: {entrant} with width {width} instead of {usual} ({parameters} parameters) loses "
        "{loss} ({low} to {high}).",
        "더 작게 만들지 마세요: {entrant} 모델의 너비를 {usual}에서 {width}(으)로 줄이면(매개변수 {parameters}개) "
        "{loss}({low} ~ {high})을(를) 잃습니다.",
    ),
    "why.advice.receptive": (
        "Try a larger receptive field for {entrant} (deeper, or dilated as in tcn): one unit of its last convolution "
        "sees {field} steps, while the last {too_few} are not enough for {best}.",
        "{entrant} 모델의 수용 영역을 넓혀 보세요(더 깊게, 또는 tcn처럼 팽창 합성곱): 마지막 합성곱의 유닛 하나는 "
        "{field}개 시점을 보는데, {best} 모델에는 마지막 {too_few}개로 부족합니다.",
    ),
    "why.progress.sizes": ("trying other sizes", "다른 크기 시험 중"),
    "why.advice.shift": (
        "Try shifted copies as further training data: random shifts cost {entrant} {loss} ({low} to "
        "{high}), next to nothing.",
        "이동한 복사본을 학습 데이터로 더해 보세요: 무작위 이동으로 {entrant} 모델이 잃는 것은 {loss}({low} "
        "~ {high})로 거의 없습니다.",
    ),
    "why.advice.mirror": (
        "Try mirrored copies as further training data: mirroring costs {entrant} {loss} ({low} to {high}), "
        "next to nothing.",
        "뒤집은 복사본을 학습 데이터로 더해 보세요: 뒤집기로 {entrant} 모델이 잃는 것은 {loss}({low} ~ "
        "{high})로 거의 없습니다.",
    ),
    "why.advice.window": (
        "Try a shorter window: the last {enough} of {length} steps are enough for {entrant}.",
        "더 짧은 창을 써 보세요: {entrant} 모델에는 {length}개 시점 중 마지막 {enough}개면 충분합니다.",
    ),
    "why.advice.no_word_order": (
        "Which words occur is enough (linear, boosting): mixing their order costs {entrant} {loss} ({low} to {high}), "
        "next to nothing.",
        "어떤 단어가 나오는지만 보아도 됩니다(linear, boosting). 순서를 섞어도 {entrant} 모델이 잃는 것은 {loss}"
        "({low} ~ {high})로 거의 없습니다.",
    ),
    "why.advice.no_positions": (
        "Treat the positions as columns of a table (mlp, boosting): shuffling them costs {entrant} {loss} "
        "({low} to {high}), next to nothing.",
        "위치를 표의 열로 다루어 보세요(mlp, boosting): 섞어도 {entrant} 모델이 잃는 것은 {loss}({low} ~ "
        "{high})로 거의 없습니다.",
    ),
    "why.advice.degrees": (
        "Try the number of each node's links in place of the graph: rewiring the edges costs {entrant} {loss} ({low} "
        "to {high}), next to nothing.",
        "노드마다 엣지 수만 세고 그래프는 버려 보세요: 엣지를 다시 연결해도 {entrant} 모델이 잃는 것은 {loss}({low} ~ "
        "{high})로 거의 없습니다.",
    ),
    "why.advice.no_edges": (
        "Try the nodes without their edges: without edges {entrant} loses {loss} ({low} to {high}), next "
        "to nothing.",
        "엣지를 버리고 노드만 써 보세요: 엣지가 없어도 {entrant} 모델이 잃는 것은 {loss}({low} ~ {high})로 거의 "
        "없습니다.",
    ),
    "why.broken.column_order": (
        "A control failed: the order of a table's columns changed {entrant} by {loss} ({low} to {high}), "
        "which it cannot; do "
        "not believe this table.",
        "대조 실험 실패: 표의 열 순서가 {entrant} 모델을 {loss}({low} ~ {high})만큼 바꾸었는데 있을 수 없는 "
        "일입니다. 이 표를 믿지 마세요.",
    ),
    "why.broken.signal": (
        "A control failed: {entrant} is above the baseline by {loss} ({low} to {high}) on shuffled labels; "
        "do not believe "
        "this table.",
        "대조 실험 실패: 섞은 라벨에서 {entrant} 모델이 기준선보다 {loss}({low} ~ {high}) 높습니다. 이 표를 "
        "믿지 마세요.",
    ),
    "why.points": ("{points} points", "{points}포인트"),
    "why.units": ("{units}", "{units}"),
    "why.assumption.neighbourhood": ("neighbourhood", "이웃"),
    "why.assumption.order": ("order at all", "순서"),
    "why.assumption.word_order": ("word order", "단어 순서"),
    "why.assumption.place": ("place", "위치"),
    "why.assumption.handedness": ("left and right", "좌우"),
    "why.assumption.upright": ("up and down", "위아래"),
    "why.assumption.direction": ("direction of time", "시간 방향"),
    "why.assumption.recency": ("recency", "최근성"),
    "why.assumption.axes": ("single columns", "개별 열"),
    "why.assumption.links": ("who is linked", "연결 상대"),
    "why.assumption.edges": ("edges at all", "엣지"),
    "why.assumption.node_features": ("what nodes hold", "노드의 값"),
    "why.assumption.numbering": ("node numbering", "노드 번호"),
    "why.assumption.column_order": ("column order (control)", "열 순서(대조)"),
    "why.assumption.signal": ("signal (control)", "신호(대조)"),
    "why.assumption.memory": ("memory", "기억"),
    "why.assumption.scale": ("local arrangement", "국소 배열"),
    "why.assumption.fine_detail": ("fine detail", "세부"),
    "why.assumption.coarse_shape": ("coarse shape", "큰 형태"),
    "why.assumption.resolution": ("resolution", "해상도"),
    "why.assumption.precision": ("precise values", "정확한 값"),
    "why.table.title": (
        "{name}: {metric} lost when an assumption is removed (trained again, {seeds} seeds, {steps} steps)",
        "{name}: 가정을 없앴을 때 잃는 {metric} (재학습, 시드 {seeds}개, {steps}스텝)",
    ),
    "why.table.change": ("change", "변경"),
    "why.table.assumption": ("assumption", "가정"),
    "why.table.as_is": ("as they are", "원본"),
    "why.table.note": (
        "Bold: shown at 95 % over the whole table. ±: 95 % interval. In points where the metric is a share.",
        "굵은 글씨: 표 전체 기준 95 %로 입증됨. ±: 95 % 구간. 비율 지표는 포인트 단위.",
    ),
    "why.table.note_terminal": (
        "*: shown at 95 % over the whole table. ±: 95 % interval. In points where the metric is a share.",
        "*: 표 전체 기준 95 %로 입증됨. ±: 95 % 구간. 비율 지표는 포인트 단위.",
    ),
    "why.table.tested_title": (
        "The same, only tested on the changed data (not trained again)",
        "재학습 없이 변경된 데이터로 시험만 한 경우",
    ),
    "why.left_out": ("Left out: {names}.", "제외됨: {names}."),
    "why.progress.profile": ("measuring the networks", "네트워크 측정 중"),
    "why.progress.tuning": ("choosing learning rates", "학습률 선택 중"),
    "why.progress.table": ("training on changed data", "변경된 데이터로 학습 중"),
    "why.explain.title": ("{model} on {data}", "{data}의 {model}"),
    "why.explain.linear": (
        "A straight line explains {share} of what it answers on examples that the line was not fitted to "
        "({low} to {high}).",
        "선을 맞추는 데 쓰지 않은 예제에서, 답의 {share}({low} ~ {high})이(가) 직선으로 설명됩니다.",
    ),
    "why.explain.receptive": (
        "One unit of its last convolution can see {theoretical} input positions a side and mostly uses "
        "{effective}.",
        "마지막 합성곱의 한 유닛은 한 변에 입력 위치 {theoretical}개를 볼 수 있고, 주로 {effective}개를 "
        "씁니다.",
    ),
    "why.explain.reach": (
        "95 % of the gradient of its last state comes from the last {steps} of {length} steps.",
        "마지막 상태 기울기의 95 %는 {length}개 중 마지막 {steps}개 시점에서 옵니다.",
    ),
    "why.explain.attention": (
        "Head {head} of layer {layer} looks {distance} positions away on average (evenly spread attention: "
        "{even}).",
        "{layer}층 {head}번 헤드는 평균 {distance} 위치 떨어진 곳을 봅니다(고른 주의: {even}).",
    ),
    "why.explain.wrong": (
        "Most wrong: example {index} is {truth}, and it says {answer} with {confidence}.",
        "가장 크게 틀린 예: {index}번은 {truth}인데 {confidence}로 {answer}(이)라고 답합니다.",
    ),
    "why.explain.wrong_value": (
        "Most wrong: example {index} is {truth}, and it says {answer}.",
        "가장 크게 틀린 예: {index}번은 {truth}인데 {answer}(이)라고 답합니다.",
    ),
    "why.explain.written": ("The plots are in {path}.", "그림은 {path}에 있습니다."),
    "why.figure.saliency": (
        "Saliency: where a small change moves the answer most",
        "중요도: 작은 변화가 답을 가장 많이 바꾸는 곳",
    ),
    "why.figure.filters": ("Filters of the first convolution", "첫 합성곱의 필터"),
    "why.figure.features": ("Feature maps of the first convolution", "첫 합성곱의 특징 맵"),
    "why.figure.receptive": (
        "Receptive field of one unit of the last convolution",
        "마지막 합성곱 한 유닛의 수용 영역",
    ),
    "why.figure.reach": (
        "How far back the gradient of the last state reaches",
        "마지막 상태의 기울기가 닿는 과거",
    ),
    "why.figure.attention": (
        "Attention: what each position (row) looks at (column)",
        "주의: 각 위치(행)가 보는 곳(열)",
    ),
    "why.figure.distance": ("How far each head looks", "헤드별 주의 거리"),
    "why.figure.wrong": ("Most wrong", "가장 크게 틀린 예"),
    "why.figure.reach_note": (
        "Shaded: the last {steps} of {length} steps, which hold 95 % of it.",
        "칠한 부분: {length}개 중 95 %가 모인 마지막 {steps}개 시점.",
    ),
    "why.figure.shades": (
        "Light is least, dark is most, in each picture by itself.",
        "그림마다 밝을수록 작고 어두울수록 큽니다.",
    ),
    "why.figure.one_filter": ("filter {number}", "필터 {number}"),
    "why.figure.one_map": ("map {number}", "맵 {number}"),
    "why.figure.one_head": ("layer {layer}, head {head}", "{layer}층 {head}번 헤드"),
    "why.figure.seen": ("what it can see", "볼 수 있는 곳"),
    "why.figure.used": ("what it uses", "실제로 쓰는 곳"),
    "why.figure.heat": ("Trained again on the changed data", "변경된 데이터로 재학습"),
}
