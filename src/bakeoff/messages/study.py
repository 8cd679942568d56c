"""Sentences about the run of a study: what to beware of. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {
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
}
