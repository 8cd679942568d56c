"""Sentences about: fit. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {
    "fit.progress": (
        "loss {training}, validation {validation}; step {step} of {steps}, epoch {epoch}",
        "손실 {training}, 검증 {validation}; 스텝 {step}/{steps}, 에포크 {epoch}",
    ),
    "fit.score": (
        "{model} on {data}: {metric} {score} on the test examples ({low} to {high}), {validation} on the validation "
        "examples.",
        "{data} 데이터의 {model}: 테스트 {metric} {score} ({low} ~ {high}), 검증 {validation}.",
    ),
    "fit.state.finished": (
        "All {steps} steps were taken; the weights of step {best}, with the lowest validation loss, are kept.",
        "{steps}스텝을 모두 마쳤습니다. 검증 손실이 가장 낮은 {best}스텝의 가중치를 보관했습니다.",
    ),
    "fit.state.early": (
        "Stopped early, since the validation loss no longer fell; the weights of step {best} of {steps} are kept.",
        "검증 손실이 더 줄지 않아 일찍 멈췄습니다. {steps}스텝 중 {best}스텝의 가중치를 보관했습니다.",
    ),
    "fit.state.stopped": (
        "The time allowed was over; the weights of step {best} of {steps} are kept.",
        "허용된 시간이 끝났습니다. {steps}스텝 중 {best}스텝의 가중치를 보관했습니다.",
    ),
    "fit.state.diverged": (
        "The training failed on the way (the loss was not finite); the weights of step {best} of {steps} are kept: "
        "try a smaller --learning-rate.",
        "학습이 도중에 발산했습니다(손실이 유한하지 않음). {steps}스텝 중 {best}스텝의 가중치를 보관했습니다. "
        "--learning-rate 를 줄여 보세요.",
    ),
    "fit.resumed": (
        "This run went on from its last checkpoint.",
        "마지막 체크포인트에서 이어서 학습했습니다.",
    ),
    "fit.heading.trained": ("Trained", "학습"),
    "fit.heading.recipe": ("Recipe", "학습 방법"),
    "fit.heading.regularised": ("Regularised", "규제"),
    "fit.heading.began": ("Began with", "시작 가중치"),
    "fit.heading.seconds": ("Took", "걸린 시간"),
    "fit.heading.report": ("Report", "보고서"),
    "fit.heading.network": ("Network", "신경망"),
    "fit.recipe": (
        "AdamW at {rate}{found}, warm-up and cosine over {steps} steps ({epochs} epochs), batches of {batch}{pieces}, "
        "{precision} on {device}",
        "AdamW 학습률 {rate}{found}, {steps}스텝({epochs}에포크) 동안 웜업과 코사인, 배치 {batch}{pieces}, "
        "{device}에서 {precision}",
    ),
    "fit.recipe.pieces": (" in {pieces} parts", " ({pieces}번에 나누어)"),
    "fit.regularised": (
        "weight decay {decay}, gradient norm at most {clip}, label smoothing {smoothing}, moving average of the "
        "weights: {average}, augmentation: {augment}",
        "가중치 감쇠 {decay}, 기울기 크기 최대 {clip}, 레이블 스무딩 {smoothing}, 가중치 이동 평균: {average}, "
        "데이터 증강: {augment}",
    ),
    "fit.mode.probe": (
        "the last layer alone (linear probing): {trained} of {total} parameters",
        "마지막 층만 (선형 탐침): 파라미터 {total}개 중 {trained}개",
    ),
    "fit.mode.full": ("all {total} parameters", "파라미터 {total}개 전부"),
    "fit.found": (" (found by a rate test)", " (학습률 탐색으로 결정)"),
    "fit.nothing": ("none", "없음"),
    "fit.predict.run": (
        "A fit of {model} on {data}: {metric} {score} on its test examples ({low} to {high}).",
        "{data} 데이터로 학습한 {model}: 테스트 {metric} {score} ({low} ~ {high}).",
    ),
    "fit.predict": (
        "Predict with it: bakeoff predict {folder} NEWDATA{model}",
        "예측하기: bakeoff predict {folder} NEWDATA{model}",
    ),
    "fit.interrupted": (
        "Interrupted; the same command goes on from the last checkpoint.",
        "중단되었습니다. 같은 명령을 다시 실행하면 마지막 체크포인트에서 이어집니다.",
    ),
    "fit.report.losses": ("Losses while it learned", "학습 중 손실"),
    "fit.report.scores": ("Scores on the test examples", "테스트 점수"),
    "fit.report.recipe": ("How it was trained", "학습 방법"),
    "fit.report.training": ("training loss", "학습 손실"),
    "fit.report.validation": ("validation loss", "검증 손실"),
    "fit.report.kept": (
        "The large mark is the evaluation whose weights are kept.",
        "큰 표시는 가중치를 보관한 시점입니다.",
    ),
    "fit.report.smoothed": (
        "The training loss is of smoothed labels or changed examples, the validation loss of neither, so the two lines "
        "do not have to meet.",
        "학습 손실은 스무딩한 레이블이나 변형한 예제로, 검증 손실은 원래대로 계산하므로 두 선이 만나지 않기도 합니다.",
    ),
}
