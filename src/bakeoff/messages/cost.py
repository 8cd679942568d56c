"""Sentences about: cost. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {
    "cost.title": ("{name} at {shape}", "{name}, 입력 {shape}"),
    "cost.parameters": (
        "{parameters} parameters ({trainable} trainable, {frozen} frozen), {size} in memory",
        "파라미터 {parameters}개 (학습 {trainable}개, 고정 {frozen}개), 메모리 {size}",
    ),
    "cost.forward": (
        "One forward pass: {macs} multiply-adds (MACs), {flops} floating-point operations (FLOPs; 1 MAC is 2 FLOPs)",
        "순전파 1회: 곱셈-덧셈(MAC) {macs}, 부동소수점 연산(FLOP) {flops} (1 MAC = 2 FLOP)",
    ),
    "cost.training": (
        "Forward and backward: {flops} FLOPs, {ratio:.2f} times the forward pass",
        "순전파와 역전파: {flops} FLOP, 순전파의 {ratio:.2f}배",
    ),
    "cost.activations": (
        "Kept from forward to backward (activations): {size}",
        "역전파를 위해 보관하는 값(활성값): {size}",
    ),
    "cost.inference_memory": (
        "Most memory held without gradients: {size}",
        "기울기 없이 쓰는 최대 메모리: {size}",
    ),
    "cost.training_memory": (
        "Most memory held in a training step: {sgd} with SGD, {momentum} with momentum, {adam} with Adam",
        "학습 한 단계의 최대 메모리: SGD {sgd}, 모멘텀 {momentum}, Adam {adam}",
    ),
    "cost.assumed_edges": (
        "Counted with an edge between every two nodes, {edges} in all, since their number was not given: --input "
        "NODESxFEATURESxEDGES gives it.",
        "엣지 수가 주어지지 않아 모든 노드 쌍에 엣지가 있다고 보고({edges}개) 계산했습니다. "
        "--input 노드x특징x엣지 로 알려 줄 수 있습니다.",
    ),
    "cost.more_layers": (
        "{count} more layers take {share:.1%} together; --all shows them.",
        "나머지 층 {count}개는 합쳐서 {share:.1%}입니다. --all 로 모두 볼 수 있습니다.",
    ),
    "cost.left_out": (
        "Left out for want of room: {columns}; a wider window, or --json FILE, has them.",
        "자리가 모자라 뺀 열: {columns}. 창을 넓히거나 --json 파일로 볼 수 있습니다.",
    ),
    "cost.bound": (
        "On {machine}, {format}: at least {seconds} forward and {training} forward and backward; "
        "{share:.0%} of the forward time is in layers bound by memory (marked *).",
        "{machine}, {format}: 순전파 최소 {seconds}, 순전파와 역전파 최소 {training}. "
        "순전파 시간의 {share:.0%}가 메모리에 묶인 층(* 표시)에서 나옵니다.",
    ),
    "cost.layer": ("layer", "층"),
    "cost.type": ("type", "종류"),
    "cost.in": ("in", "입력"),
    "cost.out": ("out", "출력"),
    "cost.parameters_short": ("parameters", "파라미터"),
    "cost.macs_short": ("MACs", "MAC"),
    "cost.flops_short": ("FLOPs", "FLOP"),
    "cost.training_short": ("training FLOPs", "학습 FLOP"),
    "cost.activations_short": ("activations", "활성값"),
    "cost.share": ("share", "비율"),
    "cost.least_time": ("least time", "최소 시간"),
    "cost.network": ("network", "신경망"),
    "cost.weights_size": ("their size", "크기"),
    "cost.written": ("Written: {path}", "저장함: {path}"),
    "cost.conv_title": (
        "Convolution of {batch} x {input} with {filters} filters of {kernel}, stride {stride}, padding {padding}",
        "합성곱: 입력 {batch} x {input}, 필터 {filters}개 ({kernel}), 보폭 {stride}, 패딩 {padding}",
    ),
    "cost.conv_output": (
        "Output {output}: ({height} + 2 x {padding} - {kernel_height}) / {stride} + 1 = {output_height} rows, "
        "({width} + 2 x {padding} - {kernel_width}) / {stride} + 1 = {output_width} columns",
        "출력 {output}: 행 ({height} + 2 x {padding} - {kernel_height}) / {stride} + 1 = {output_height}, "
        "열 ({width} + 2 x {padding} - {kernel_width}) / {stride} + 1 = {output_width}",
    ),
    "cost.conv_loop": ("loop", "반복문"),
    "cost.conv_over": ("over", "대상"),
    "cost.conv_bound": ("bound", "횟수"),
    "cost.conv_macs": (
        "The seven bounds multiply to {macs} MACs.",
        "일곱 반복 횟수를 곱하면 {macs} MAC입니다.",
    ),
    "cost.conv_data": ("values", "값의 수"),
    "cost.conv_reuse": ("MACs for each", "값마다 쓰이는 MAC"),
    "cost.conv_inputs": ("inputs", "입력"),
    "cost.conv_filters": ("filters", "필터"),
    "cost.conv_outputs": ("outputs", "출력"),
    "cost.conv_matrix": (
        "As a matrix product (im2col): [{rows} x {inner}] x [{inner} x {columns}]{groups}; the unfolded input takes "
        "{size}, {times:.1f} times the input",
        "행렬 곱으로 바꾸면(im2col): [{rows} x {inner}] x [{inner} x {columns}]{groups}. 펼친 입력은 {size}로 "
        "원래 입력의 {times:.1f}배입니다",
    ),
    "cost.conv_groups": (" for each of {groups} groups", ", {groups}개 그룹마다"),
    "cost.chip_time": (
        "On {name} ({dataflow}): {cycles} cycles, {seconds}; {active} of {multipliers} multipliers at work in a full "
        "pass, use {use:.0%} over all",
        "{name} ({dataflow}): {cycles} 사이클, {seconds}. 곱셈기 {multipliers}개 중 {active}개가 일하며 전체 사용률은 "
        "{use:.0%}입니다",
    ),
    "cost.chip_traffic": (
        "Traffic: {dram} to and from DRAM, {buffer} between buffer and multipliers",
        "이동량: DRAM {dram}, 버퍼와 곱셈기 사이 {buffer}",
    ),
    "cost.weight_stationary": (
        "Weights stay on the grid: {tiles} tiles of them, and {places} rows of inputs stream through each",
        "가중치가 격자에 머뭅니다: 타일 {tiles}개, 타일마다 입력 {places}행이 지나갑니다",
    ),
    "cost.output_stationary": (
        "Outputs stay on the grid: {tiles} tiles of them, and {products} products are summed in each",
        "출력이 격자에 머뭅니다: 타일 {tiles}개, 출력마다 곱 {products}개를 더합니다",
    ),
    "cost.row_stationary": (
        "Rows stay on the grid: strips of {rows}x{strip} multipliers, {strips} to an output plane; planes at once: "
        "{planes}, passes for each: {passes}; on one multiplier {filters} filters and {channels} channels take turns",
        "행이 격자에 머뭅니다: 곱셈기 {rows}x{strip}의 띠 {strips}개가 출력 평면 하나를 만듭니다. 동시에 평면 "
        "{planes}개, 평면마다 {passes}회. 곱셈기 하나를 필터 {filters}개와 채널 {channels}개가 번갈아 씁니다",
    ),
    "cost.compare_image": (
        "An image of {shape} becomes {hidden} features (batch {batch})",
        "{shape} 이미지를 특징 {hidden}개로 (배치 {batch})",
    ),
    "cost.compare_stacks": (
        "Three layers of each kind (batch {batch})",
        "종류별로 세 층씩 (배치 {batch})",
    ),
    "cost.compare_linear": (
        "The CNN's last Linear sees {values} values and holds {parameters} parameters, {fewer:.0%} fewer than the "
        "MLP's {mlp}, before its convolutions are counted.",
        "CNN의 마지막 Linear는 값 {values}개를 받아 파라미터 {parameters}개를 가집니다. 합성곱을 세기 전이라면 "
        "MLP의 {mlp}개보다 {fewer:.0%} 적습니다.",
    ),
}
