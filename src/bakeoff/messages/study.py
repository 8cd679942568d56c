"""Sentences about the run of a study: its phases, what was skipped and why, what to beware of. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {
    "study.phase.profile": ("timing the networks", "네트워크 시간 측정"),
    "study.phase.tuning": ("tuning", "조정"),
    "study.phase.curves": ("learning curves", "학습 곡선"),
    "study.warning.interrupted": (
        "The run was stopped before its time: this is the verdict on what was finished by then.",
        "실행이 도중에 중단되었습니다. 그때까지 끝난 결과로만 내린 판정입니다.",
    ),
    "study.warning.one_seed": (
        "Only one seed was trained at full size for {names}: how much their scores vary from seed to seed is unknown.",
        "{names}: 전체 크기에서 시드 하나로만 학습했으므로 시드에 따른 변동은 알 수 없습니다.",
    ),
    "study.warning.fault": (
        "{name} could not be judged: {reason}",
        "{name}: 판정할 수 없었습니다. {reason}",
    ),
    "study.skipped.too_dear": (
        "not trained: even {steps} steps at each learning rate do not fit the budget",
        "학습하지 않음: 학습률마다 {steps} 단계만 해도 예산을 넘습니다",
    ),
    "study.skipped.not_started": ("not started: the time was over", "시작하지 않음: 시간이 다 되었습니다"),
    "study.skipped.fault": ("cannot take part", "참가할 수 없음"),
    "study.skipped.seeds": ("more seeds at full size: no time left", "전체 크기의 추가 시드: 시간 부족"),
    "study.skipped.curve": ("the upper learning curve: no time left", "학습 곡선의 윗부분: 시간 부족"),
    "study.skipped.long_curve": ("the lower learning curve: no time left", "학습 곡선의 아랫부분: 시간 부족"),
    "study.skipped.curve_seeds": ("more seeds along the curve: no time left", "곡선의 추가 시드: 시간 부족"),
    "study.skipped.cannot_win": (
        "more trainings: on validation it was too far behind to win or tie, and the time was needed elsewhere",
        "추가 학습: 검증 점수가 너무 뒤처져 이기거나 비길 수 없고, 시간은 다른 곳에 필요했습니다",
    ),
}
