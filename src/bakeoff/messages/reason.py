"""Sentences about: why something was not done, or how a training ended. See `bakeoff.messages`.

A run stores a reason as its key and its values (`bakeoff.messages.statement`): a key that was released stays.
"""

SENTENCES: dict[str, tuple[str, str]] = {
    # another's words, as they are: those of an exception, or of a run of an earlier version
    "reason.words": ("{words}", "{words}"),
    "reason.error": ("{type}: {words}", "{type}: {words}"),
    # why something was not done
    "reason.steps": (
        "{steps} steps at each learning rate do not fit the budget",
        "학습률마다 {steps}스텝씩 학습할 시간이 예산에 없습니다",
    ),
    "reason.time_over": ("the time was over", "시간이 다 되었습니다"),
    "reason.timing": (
        "timing a few of its steps took too long",
        "몇 스텝의 시간을 재는 데 너무 오래 걸렸습니다",
    ),
    "reason.share_over": ("its share of the time was over", "이 모델에 배정된 시간이 다 되었습니다"),
    "reason.out_of_reach": (
        "its learning curve cannot reach the best",
        "학습 곡선으로는 최고 점수에 이를 수 없습니다",
    ),
    "reason.leads_to": (
        "its learning curve leads to {score} with all examples ({low} to {high})",
        "학습 곡선에 따르면 전체 예제로 {score}({low} ~ {high})에 그칩니다",
    ),
    "reason.climbed": (
        "its share of the time would be over at more than {examples:,} examples",
        "예제가 {examples:,}개를 넘으면 이 모델에 배정된 시간을 넘깁니다",
    ),
    "reason.allowed_over": ("The time allowed was over.", "허용된 시간이 다 되었습니다."),
    "reason.no_time": ("no time was left for it", "남은 시간이 없었습니다"),
    "reason.memory": (
        "it would hold {size:.1f} GB of rows in memory",
        "메모리에 {size:.1f} GB의 행이 필요합니다",
    ),
    "reason.outpaced": (
        "Other learning rates had a lower validation loss after {step} steps.",
        "{step}스텝 뒤 다른 학습률의 검증 손실이 더 낮았습니다.",
    ),
    "reason.patience": (
        "{count} evaluations brought no better validation loss.",
        "평가 {count}번 동안 검증 손실이 나아지지 않았습니다.",
    ),
    "reason.settled": (
        "{count} evaluations changed no answer on validation.",
        "검증 예제의 답이 평가 {count}번 내내 바뀌지 않았습니다.",
    ),
    "reason.all_steps": ("All steps were taken.", "모든 스텝을 마쳤습니다."),
    "reason.not_finite": (
        "The loss was not finite within the first {steps} steps.",
        "처음 {steps}스텝 안에서 손실이 유한하지 않았습니다.",
    ),
    "reason.no_longer_finite": (
        "The loss was no longer finite within the first {steps} steps.",
        "처음 {steps}스텝 안에서 손실이 더는 유한하지 않게 되었습니다.",
    ),
    "reason.validation_not_finite": (
        "The validation loss was not finite after {steps} steps.",
        "{steps}스텝 뒤 검증 손실이 유한하지 않았습니다.",
    ),
    # why a network was not measured on changed data
    "reason.unmeasured": ("no time", "시간 부족"),
    "reason.state.stopped": ("stopped", "중단"),
    "reason.state.diverged": ("diverged", "발산"),
    "reason.state.outpaced": ("outpaced", "중도 탈락"),
    "reason.state.failed": ("failed", "실패"),
    # a worker process that was lost
    "reason.worker_died": (
        "its worker process died twice (out of memory?)",
        "작업 프로세스가 두 번 종료되었습니다(메모리 부족?)",
    ),
    "reason.workers_memory": (
        "it needs more memory than the {allowed:.1f} GB that all workers may take ({limit})",
        "모든 작업 프로세스가 쓸 수 있는 {allowed:.1f} GB보다 많은 메모리가 필요합니다({limit})",
    ),
}
