"""Sentences about: models. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {
    "models.title": ("{count} networks", "신경망 {count}개"),
    "models.name": ("name", "이름"),
    "models.family": ("family", "계열"),
    "models.year": ("year", "연도"),
    "models.paper": ("paper", "논문"),
    "models.biases": ("what it assumes", "가정"),
    "models.inputs": ("inputs", "입력"),
    "models.targets": ("targets", "목표"),
    "models.parameters": ("parameters", "파라미터"),
    "models.macs": ("MACs", "MAC"),
    "models.at": ("at", "입력 크기"),
    "models.activations": ("activations", "활성값"),
    "models.summary": ("idea", "핵심"),
    "models.width": ("width", "너비"),
    "models.fixed": ("fixed by the paper", "논문에서 정함"),
    "models.layouts": ("published weights", "공개 가중치"),
    "models.every": (
        "`bakeoff models {name} --all` shows every layer inside these blocks.",
        "`bakeoff models {name} --all` 은 이 블록 안의 모든 층을 보여 줍니다.",
    ),
    "models.hint": (
        "Parameters and multiply-adds (MACs) at the size each was published for. `bakeoff models NAME` shows one.",
        "파라미터와 곱셈-덧셈(MAC)은 발표된 입력 크기에서 센 값입니다. `bakeoff models 이름`으로 하나를 자세히 봅니다.",
    ),
    "models.own.trusted": (
        "--trust: the code of the network '{network}' is imported and run, because '{folder}' names it.",
        "--trust: '{folder}'에 적힌 신경망 '{network}'의 코드를 불러와 실행합니다.",
    ),
    "models.own.typed": (
        "The network is '{network}', as typed here; '{folder}' gives its weights alone.",
        "신경망은 여기에 입력한 '{network}'이며, '{folder}'에서는 가중치만 가져옵니다.",
    ),
}
