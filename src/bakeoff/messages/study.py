"""Sentences about the run of a study: what to beware of. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {
    "study.warning.continued": (
        "The run in {folder} was read back and continued ({seconds} s were spent on it before); what it had "
        "finished was not done again. `--fresh` begins a new one.",
        "{folder}에 있던 실행 결과를 다시 읽어 이어서 진행했습니다(이전에 {seconds}초 사용). 이미 끝난 학습은 다시 "
        "하지 않았습니다. 새로 시작하려면 `--fresh`를 쓰십시오.",
    ),
    "study.warning.interrupted": (
        "The run was stopped before its time: this is the verdict on what was finished by then.",
        "실행이 도중에 중단되었습니다. 그때까지 끝난 결과로만 내린 판정입니다.",
    ),
    "study.warning.evidence_interrupted": (
        "The run was stopped while the evidence of why was gathered: the verdict is whole, the evidence is what was "
        "finished by then. The same command goes on from there.",
        "이유에 대한 증거를 모으는 중에 중단되었습니다. 판정은 완전하고, 증거는 그때까지 끝난 것뿐입니다. "
        "같은 명령을 다시 실행하면 이어서 진행합니다.",
    ),
    "study.warning.undertrained": (
        "Undertrained: {names} took {steps} of the protocol's {protocol} steps, which is all that the budget allowed, "
        "and may have been improving still.",
        "학습이 덜 된 모델: {names}. 예산 때문에 프로토콜의 {protocol}단계 중 {steps}단계만 학습했으며, 아직 나아지고 "
        "있었을 수 있습니다.",
    ),
    "study.warning.one_seed": (
        "Only one seed was trained at full size for {names}: how much their own scores vary from seed to seed was not "
        "measured.",
        "{names}: 전체 크기에서 시드 하나로만 학습했으므로 이 모델들 자체의 시드에 따른 변동은 측정하지 않았습니다.",
    ),
    "study.warning.fault": (
        "{name} could not be judged: {reason}",
        "{name}: 판정할 수 없었습니다. {reason}",
    ),
}
