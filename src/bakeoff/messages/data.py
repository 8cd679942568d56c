"""Sentences about: data. See `bakeoff.messages`."""

SENTENCES: dict[str, tuple[str, str]] = {
    # The built-in data, one line each.
    "data.builtin.digits": (
        "1797 grey images of handwritten digits, 8x8",
        "손으로 쓴 숫자의 회색조 이미지 1797장, 8x8",
    ),
    "data.builtin.iris": ("150 flowers of three species, 4 measures", "붓꽃 세 품종 150송이, 측정값 4개"),
    "data.builtin.wine": ("178 wines of three growers, 13 measures", "세 생산자의 와인 178종, 측정값 13개"),
    "data.builtin.breast_cancer": (
        "569 cell samples, benign or malignant, 30 measures",
        "세포 표본 569개(양성 또는 악성), 측정값 30개",
    ),
    "data.builtin.diabetes": (
        "442 patients, 10 measures; the course of diabetes after a year, a number",
        "환자 442명, 측정값 10개; 1년 뒤 당뇨병의 진행 정도(숫자)",
    ),
    "data.builtin.mnist1d": (
        "5000 generated series of 40 steps, ten classes (MNIST-1D)",
        "생성된 40단계 시계열 5000개, 열 가지 클래스 (MNIST-1D)",
    ),
    "data.builtin.xor": ("1000 points, XOR of two signs in noise", "점 1000개, 잡음 속 두 부호의 XOR"),
    "data.builtin.spirals": (
        "1000 points on two spirals wound into each other",
        "서로 감긴 두 나선 위의 점 1000개",
    ),
    "data.builtin.circles": (
        "1000 points on a circle inside another",
        "큰 원과 그 안의 작은 원 위의 점 1000개",
    ),
    "data.builtin.heading": (
        "Built-in data (use the name as DATA; all work offline):",
        "내장 데이터 (이름을 DATA로 쓰세요. 모두 인터넷 없이 동작합니다):",
    ),
    "data.builtin.hint": (
        "Your own: a folder of images, a CSV, TSV, Parquet or JSON Lines file with --target, a .ts file, a .npz file.",
        "직접 가진 데이터: 이미지 폴더, --target을 준 CSV·TSV·Parquet·JSON Lines 파일, .ts 파일, .npz 파일.",
    ),
    # Rows of the card.
    "data.card.kind": ("kind", "종류"),
    "data.card.image": (
        "images, {channels} channel(s), {height}x{width} pixels",
        "이미지, 채널 {channels}개, {height}x{width} 픽셀",
    ),
    "data.card.series": (
        "series, {channels} channel(s), {length} steps",
        "시계열, 채널 {channels}개, {length}단계",
    ),
    "data.card.tokens": (
        "texts, up to {length} tokens, {vocabulary} in the vocabulary",
        "텍스트, 최대 {length}토큰, 어휘 {vocabulary}개",
    ),
    "data.card.graph": (
        "graphs, up to {nodes} nodes, {features} number(s) a node",
        "그래프, 노드 최대 {nodes}개, 노드마다 숫자 {features}개",
    ),
    "data.card.nodes": ("nodes", "노드"),
    "data.card.edges": ("edges", "엣지"),
    "data.card.edges_text": ("{mean} a graph on average", "그래프당 평균 {mean}개"),
    "data.card.table": ("table, {features} features", "표, 특징 {features}개"),
    "data.card.examples": ("examples", "예제"),
    "data.card.lengths": ("lengths", "길이"),
    "data.card.lengths_text": (
        "{shortest} to {longest}, median {median}",
        "{shortest}부터 {longest}까지, 중앙값 {median}",
    ),
    "data.card.columns": ("columns", "열"),
    "data.card.target": ("target", "목표"),
    "data.card.classes": ("{count} classes", "클래스 {count}개"),
    "data.card.value": (
        "a number, {low} to {high}, mean {mean}",
        "숫자, {low}부터 {high}까지, 평균 {mean}",
    ),
    "data.card.values": ("{size} numbers", "숫자 {size}개"),
    "data.card.forecast": ("the next {horizon} steps, no season found", "다음 {horizon}단계, 주기 없음"),
    "data.card.forecast_season": (
        "the next {horizon} steps, repeating every {season}",
        "다음 {horizon}단계, {season}단계마다 반복",
    ),
    "data.card.class_counts": ("per class", "클래스별"),
    "data.card.more_classes": ("{count} more", "그 외 {count}개"),
    "data.card.splits": ("splits", "분할"),
    "data.card.splits_text": (
        "{train} training, {validation} validation, {test} test ({how})",
        "학습 {train}, 검증 {validation}, 시험 {test} ({how})",
    ),
    "data.card.how.given": ("given with the data", "데이터에 주어짐"),
    "data.card.how.stratified": ("stratified", "클래스 비율 유지"),
    "data.card.how.random": ("random", "무작위"),
    "data.card.how.by_group": ("whole groups on one side", "그룹을 나누지 않음"),
    "data.card.how.by_time": ("the past trains, the future tests", "과거로 학습, 미래로 시험"),
    "data.card.groups": ("groups", "그룹"),
    "data.card.source": ("source", "출처"),
    "data.card.licence": ("licence", "라이선스"),
    "data.card.findings": ("What to know before believing a comparison:", "비교를 믿기 전에 알아야 할 점:"),
    "data.card.no_findings": (
        "Nothing was found that spoils a comparison.",
        "비교를 망칠 만한 것은 없었습니다.",
    ),
    "data.card.written": ("The card was written to {path}.", "카드를 {path}에 저장했습니다."),
    # Findings: what reading the data found.
    "data.finding.encoding": (
        "The file is not UTF-8; it was read as {encoding}. Check a few words, or save it as UTF-8.",
        "파일이 UTF-8이 아니어서 {encoding}(으)로 읽었습니다. 몇 단어를 확인하거나 UTF-8로 저장하세요.",
    ),
    "data.finding.no_header": (
        "The first line holds numbers only, so the columns are named column_1 to column_{columns}.",
        "첫 줄이 숫자뿐이라 열 이름을 column_1부터 column_{columns}까지로 붙였습니다.",
    ),
    "data.finding.lines_before_header": (
        "Lines before the header were left out: {count}.",
        "머리글 앞의 {count}줄을 뺐습니다.",
    ),
    "data.finding.row_names": (
        "The header has one name fewer than the rows have cells, so the first column holds row names, as R writes "
        "them; the columns are {names}.",
        "머리글의 이름이 행의 칸보다 하나 적어, 첫 열을 R이 쓰는 행 이름으로 읽었습니다. 열은 {names}입니다.",
    ),
    "data.finding.header_joined": (
        "The header is broken over two lines and was put together: {names}.",
        "머리글이 두 줄로 나뉘어 있어 하나로 합쳤습니다: {names}.",
    ),
    "data.finding.axes_series": (
        "Arrays {shape} were read as {channels} channel(s) of {steps} steps. If they are pictures, say so (--kind "
        "image, from Python kind='image'); if the steps come first, swap the last two axes.",
        "배열 {shape}을(를) 채널 {channels}개, {steps}단계의 시계열로 읽었습니다. 이미지라면 --kind image(Python에서는 "
        "kind='image')를 주고, 시간 축이 먼저라면 마지막 두 축을 바꾸세요.",
    ),
    "data.finding.axes_bands": (
        "Arrays {shape} were read as pictures of {height}x{width} pixels with {channels} channels. If another axis "
        "holds the channels, put it first: [N, C, H, W].",
        "배열 {shape}을(를) 채널 {channels}개, {height}x{width} 픽셀의 이미지로 읽었습니다. 채널이 다른 축이라면 "
        "그 축을 앞에 두세요: [N, C, H, W].",
    ),
    "data.finding.target_one_hot": (
        "Each row of the target holds one 1 and else 0, so its {columns} columns were read as classes. If they are "
        "numbers to predict, say so (--task value).",
        "목표의 각 행에 1이 하나뿐이고 나머지는 0이어서 열 {columns}개를 클래스로 읽었습니다. 예측할 숫자라면 "
        "--task value를 주세요.",
    ),
    "data.finding.target_may_be_classes": (
        "The target holds the whole numbers {low} to {high}, each several times, and was read as a number. If they "
        "stand for classes, say so (--task classes).",
        "목표는 {low}부터 {high}까지의 정수이며 각각 여러 번 나오고, 숫자로 읽었습니다. 클래스를 뜻한다면 "
        "--task classes를 주세요.",
    ),
    "data.finding.target_missing": (
        "{count} of {of} rows have no value in the target '{column}' and were left out.",
        "목표 '{column}'의 값이 없는 행 {count}개(전체 {of}개)를 뺐습니다.",
    ),
    "data.finding.left_out_nested": (
        "Columns of lists or bytes were left out ({count}): {columns}.",
        "목록이나 바이트가 든 열 {count}개를 뺐습니다: {columns}.",
    ),
    "data.finding.left_out_row_number": (
        "A column that only numbers the rows was left out ({count}): {columns}.",
        "행 번호일 뿐인 열 {count}개를 뺐습니다: {columns}.",
    ),
    "data.finding.left_out_saved_index": (
        "Row numbers that were saved with the table (the index of a shuffled frame) were left out, {count} in all: "
        "{columns}. To learn from them, give the column another name.",
        "표와 함께 저장된 행 번호(섞인 데이터프레임의 인덱스) 열 {count}개를 뺐습니다: {columns}. 학습에 쓰려면 열 "
        "이름을 바꾸세요.",
    ),
    "data.finding.levels_lumped": (
        "The column '{column}' has {of} different words in training; the {kept} most frequent are told apart, and the "
        "other {count} are one value, (other), in {share:.0%} of the rows.",
        "'{column}' 열에는 학습에서 서로 다른 단어가 {of}개 있습니다. 가장 잦은 {kept}개만 구별하고 나머지 {count}개는 "
        "하나의 값 (other)로 묶으며, 행의 {share:.0%}입니다.",
    ),
    "data.finding.left_out_identifier": (
        "Words that differ in most rows (names, identifiers) were left out, {count} in all: {columns}.",
        "거의 모든 행에서 값이 다른 단어 열(이름, 식별자) {count}개를 뺐습니다: {columns}.",
    ),
    "data.finding.numbers_written": (
        "Numbers written as {shown} were read so in {count} column(s): {columns}.",
        "{shown} 꼴로 적힌 숫자를 열 {count}개에서 그대로 읽었습니다: {columns}.",
    ),
    "data.finding.numbers_ambiguous": (
        "The numbers in '{column}' can be read in two ways, and were read as {shown}. If {other} is meant, say so "
        "(--decimal {option}).",
        "'{column}'의 숫자는 두 가지로 읽을 수 있어 {shown} 꼴로 읽었습니다. {other} 꼴이라면 --decimal {option}을 "
        "주세요.",
    ),
    "data.finding.odd_numbers": (
        "{count} of {of} cells in the column of numbers '{column}' are no numbers and count as missing: {examples}.",
        "숫자 열 '{column}'의 칸 {of}개 중 {count}개는 숫자가 아니어서 빠진 값으로 봅니다: {examples}.",
    ),
    "data.finding.odd_dates": (
        "{count} of {of} cells in the column of dates '{column}' are no dates of its form and count as missing: "
        "{examples}.",
        "날짜 열 '{column}'의 칸 {of}개 중 {count}개는 그 형식의 날짜가 아니어서 빠진 값으로 봅니다: {examples}.",
    ),
    "data.finding.dates_read": (
        "Dates were read in {count} column(s), {columns}: '{example}' is {read}.",
        "열 {count}개를 날짜로 읽었습니다({columns}): '{example}'은(는) {read}입니다.",
    ),
    "data.finding.dates_from_digits": (
        "Whole numbers that are dates were read so in {count} column(s), {columns}: {example} is {read}. To read "
        "numbers, say so (--dates off).",
        "날짜로 읽히는 정수 열 {count}개를 날짜로 읽었습니다({columns}): {example}은(는) {read}입니다. 숫자로 읽으려면 "
        "--dates off를 주세요.",
    ),
    "data.finding.dates_ambiguous": (
        "The dates in '{column}' can be read in two ways: '{example}' was read as {read}. If the other order is meant "
        "(as in {other}), say so (--dates {option}).",
        "'{column}'의 날짜는 두 가지로 읽을 수 있어 '{example}'을(를) {read}(으)로 읽었습니다. 다른 순서({other})라면 "
        "--dates {option}을 주세요.",
    ),
    "data.finding.dates_unread": (
        "The column '{column}' looks like dates ('{example}') in a form that is not known, and was not read as dates: "
        "write them as 2024-03-05 14:30.",
        "'{column}' 열은 날짜처럼 보이지만('{example}') 아는 형식이 아니어서 날짜로 읽지 않았습니다. "
        "2024-03-05 14:30처럼 적어 주세요.",
    ),
    "data.finding.left_out_digits": (
        "Cells of digits that differ in most rows and are no numbers as they are written (codes, numbers with signs "
        "among them) were left out, {count} column(s): {columns}. If they are numbers, write them plainly.",
        "거의 모든 행에서 다르고 숫자로 읽히지 않는 숫자 표기(코드 등) 열 {count}개를 뺐습니다: {columns}. 숫자라면 "
        "기호 없이 적어 주세요.",
    ),
    "data.finding.left_out_forecast": (
        "What is not numbers, or never changes, was left out of the forecast ({count}): {columns}.",
        "숫자가 아니거나 변하지 않는 열 {count}개를 예측에서 뺐습니다: {columns}.",
    ),
    "data.finding.constant_columns": (
        "Columns that never change in the training split say nothing and were left out ({count}): {columns}.",
        "학습 분할에서 변하지 않아 정보가 없는 열이 {count}개 있습니다: {columns}.",
    ),
    "data.finding.missing_filled": (
        "Missing values were filled in, {count} in {columns} column(s) (the training median, with a flag column; "
        "an own category for words); most are in '{worst}' ({most}).",
        "열 {columns}개의 빠진 값 {count}개를 채웠습니다(학습 중앙값과 표시 열, 단어는 별도 범주). "
        "가장 많은 열은 '{worst}'({most}개)입니다.",
    ),
    "data.finding.rows_have_dates": (
        "The rows have dates ({columns}) and are divided at random. If the answers of later rows are wanted, divide by "
        "time (--order '{first}'): the score may be lower, and is then the right one.",
        "행에 날짜({columns})가 있지만 무작위로 나눴습니다. 나중 행을 예측하려는 것이라면 시간으로 나누세요(--order "
        "'{first}'). 점수가 낮아질 수 있지만 그것이 맞는 점수입니다.",
    ),
    "data.finding.repeated_identifier": (
        "The column '{column}' has {count} different values in {of} rows. If rows of one value belong together (visits "
        "of a patient), keep them on one side of the splits (--group '{column}').",
        "'{column}' 열은 행 {of}개에 값이 {count}가지입니다. 같은 값의 행이 한데 속한다면(한 환자의 여러 방문) 같은 "
        "분할에 두세요(--group '{column}').",
    ),
    "data.finding.text_only": (
        "The networks read the text column '{column}' alone; the others are not used ({count}): {others}. To "
        "read those instead, say so (--kind table).",
        "신경망은 텍스트 열 '{column}'만 읽습니다. 다른 열 {count}개는 쓰지 않습니다: {others}. 그 열들을 읽으려면 "
        "--kind table을 주세요.",
    ),
    "data.finding.left_out_text": (
        "The table's other columns are learned from, and texts were left out, {count} column(s): {columns}. To learn "
        "from a text instead, name it (--text '{first}').",
        "표의 다른 열로 학습하고 텍스트 열 {count}개는 뺐습니다: {columns}. 텍스트로 학습하려면 그 열을 "
        "지정하세요(--text '{first}').",
    ),
    "data.finding.text_by_characters": (
        "The texts in '{column}' are single words most of which differ, so they were read character by character "
        "(--tokenizer reads them by a published vocabulary).",
        "'{column}'의 텍스트는 대부분 서로 다른 한 단어여서 글자 단위로 읽었습니다(--tokenizer를 주면 공개된 어휘로 "
        "읽습니다).",
    ),
    "data.finding.empty_texts": ("Empty texts: {count}.", "빈 텍스트가 {count}개 있습니다."),
    "data.finding.images_skipped": (
        "Images that could not be used were skipped, {count} in all: {names}.",
        "쓸 수 없는 이미지 {count}장을 건너뛰었습니다: {names}.",
    ),
    "data.finding.images_resized": (
        "The images are {smallest} to {largest} pixels (height x width); all were stretched to {size} (--size changes "
        "it).",
        "이미지 크기는 {smallest}부터 {largest}까지(세로x가로)이며 모두 {size}(으)로 맞췄습니다(--size로 변경).",
    ),
    "data.finding.empty_class_folders": (
        "Sub-folders without an image are no classes ({count}): {names}.",
        "이미지가 없는 하위 폴더 {count}개는 클래스로 보지 않았습니다: {names}.",
    ),
    "data.finding.series_padded": (
        "The series have {shortest} to {longest} steps; shorter ones are padded, and the networks mask the padding.",
        "시계열 길이는 {shortest}부터 {longest}단계입니다. 짧은 것은 채우고, 신경망은 채운 부분을 가립니다.",
    ),
    "data.finding.series_gaps": (
        "Missing values were bridged along straight lines, {count} in {series} series.",
        "시계열 {series}개의 빠진 값 {count}개를 직선으로 이었습니다.",
    ),
    "data.finding.forecast_gaps": (
        "Missing values were filled with the last known one before them, {count} in {series} series, up to {longest} "
        "in a row; nothing is taken from the future, and a further channel says which values are filled.",
        "시계열 {series}개의 빠진 값 {count}개(연속 최대 {longest}개)를 바로 앞의 알려진 값으로 채웠습니다. 미래의 "
        "값은 쓰지 않으며, 채운 값인지 알려 주는 채널을 더했습니다.",
    ),
    "data.finding.targets_unknown": (
        "{count} of {of} windows were left out, because a value of '{target}' that they should forecast is missing: "
        "what is not known is neither learned from nor scored.",
        "예측할 '{target}'의 값이 빠져 있어 윈도 {of}개 중 {count}개를 뺐습니다. 알 수 없는 값은 학습에도 채점에도 "
        "쓰지 않습니다.",
    ),
    "data.finding.future_rows": (
        "Rows after the last value of the target are the future, {count} in all: they are neither learned from nor "
        "scored. `bakeoff predict` forecasts from the last known value on.",
        "목표의 마지막 값 뒤에 있는 행 {count}개는 미래이므로 학습에도 채점에도 쓰지 않습니다. `bakeoff predict`가 "
        "마지막 값 다음부터 예측합니다.",
    ),
    "data.finding.rows_before_first": (
        "Rows before the first value of a column were left out ({count}): nothing is known there to fill in.",
        "어떤 열의 첫 값보다 앞선 행 {count}개는 채울 값이 없어 뺐습니다.",
    ),
    "data.finding.short_groups": (
        "{count} of {of} series have fewer than the {needed} steps needed and were left out: {names}. A smaller "
        "--window or --horizon needs fewer.",
        "시계열 {of}개 중 {count}개는 필요한 {needed}단계보다 짧아 뺐습니다: {names}. --window나 --horizon을 줄이면 더 "
        "짧아도 됩니다.",
    ),
    "data.finding.short_groups_new": (
        "{count} of {of} series have fewer than the {needed} steps that the network looks back on and are not "
        "forecast: {names}.",
        "시계열 {of}개 중 {count}개는 신경망이 돌아보는 {needed}단계보다 짧아 예측하지 않습니다: {names}.",
    ),
    "data.finding.unnamed_group": (
        "{count} rows have no name in the column '{column}': they were read as one series of their own.",
        "행 {count}개는 '{column}' 열에 이름이 없어 하나의 별도 시계열로 읽었습니다.",
    ),
    "data.finding.clock_set_back": (
        "Hours that occur twice because the clock was set back were both kept, in the order of the file ({count}).",
        "시계를 되돌려 두 번 나오는 시각 {count}곳은 파일의 순서대로 모두 남겼습니다.",
    ),
    "data.finding.utc_offsets": (
        "The times in '{column}' have UTC offsets ({offsets}); they were converted to UTC.",
        "'{column}'의 시각에 UTC 오프셋({offsets})이 있어 UTC로 바꿨습니다.",
    ),
    "data.finding.missing_steps": (
        "{count} of {of} steps in time are longer or shorter than usual, and {missing} steps have no row (up to "
        "{longest} in a row); the forecast counts rows, not time.",
        "시간 간격 {of}개 중 {count}개가 보통과 다르고, 행이 없는 단계가 {missing}개(연속 최대 {longest}개) 있습니다. "
        "예측은 시간이 아니라 행을 셉니다.",
    ),
    "data.finding.uneven_steps": (
        "{count} of {of} steps in time are longer or shorter than usual; the forecast counts steps, not time.",
        "시간 간격 {of}개 중 {count}개가 보통과 다릅니다. 예측은 시간이 아니라 단계를 셉니다.",
    ),
    # Findings: what looking at the whole set found.
    "data.finding.small_classes": (
        "Classes with fewer than ten examples, {count} in all ({names}): their scores mean little.",
        "예제가 열 개 미만인 클래스가 {count}개 있습니다({names}). 그 점수는 믿기 어렵습니다.",
    ),
    "data.finding.imbalance": (
        "'{largest}' makes up {share:.0%} of the examples, {ratio:.0f} times the rarest class; accuracy flatters, "
        "compare balanced accuracy.",
        "'{largest}'이(가) 전체의 {share:.0%}로, 가장 드문 클래스의 {ratio:.0f}배입니다. 정확도는 과장되니 "
        "균형 정확도로 비교하세요.",
    ),
    "data.finding.duplicates": (
        "Exact copies of an earlier example: {count} of {of}.",
        "예제 {of}개 중 {count}개가 앞선 예제와 똑같습니다.",
    ),
    "data.finding.duplicates_together": (
        "Exact copies of an earlier example: {count} of {of}. Copies are on the same side of the splits.",
        "예제 {of}개 중 {count}개가 앞선 예제와 똑같습니다. 똑같은 예제는 같은 분할에 넣었습니다.",
    ),
    "data.finding.duplicates_across": (
        "Test examples that also stand in the training or validation split: {count} of {of}; the score flatters.",
        "시험 예제 {of}개 중 {count}개가 학습 또는 검증 분할에도 있어 점수가 실제보다 좋게 나옵니다.",
    ),
    "data.finding.contradictions": (
        "Exact copies with another target: {count}; no model can get all of them right.",
        "입력은 같은데 목표가 다른 예제가 {count}개 있습니다. 어떤 모델도 모두 맞힐 수 없습니다.",
    ),
    "data.finding.gives_target_away": (
        "The column '{column}' alone gives the target away ({metric} {score:.1%} on validation, {baseline:.1%} "
        "without it): leave it out unless it is known before the answer is.",
        "'{column}' 열 하나로 목표가 드러납니다(검증 {metric} {score:.1%}, 없을 때 {baseline:.1%}). "
        "답보다 먼저 알 수 있는 값이 아니라면 빼세요.",
    ),
    "data.finding.order_follows_class": (
        "The order in the file follows the class ({share:.0%} of neighbours share theirs, {expected:.0%} by chance); "
        "the splits are shuffled, so this does no harm here.",
        "파일의 순서가 클래스를 따릅니다(이웃의 {share:.0%}가 같은 클래스, 우연이면 {expected:.0%}). "
        "분할할 때 섞으므로 여기서는 해가 없습니다.",
    ),
    "data.finding.order_follows_class_split": (
        "The order in the file follows the class ({share:.0%} of neighbours share theirs, {expected:.0%} by chance), "
        "and the given splits were cut along it: the parts may hold different classes.",
        "파일의 순서가 클래스를 따르고(이웃의 {share:.0%}, 우연이면 {expected:.0%}) 주어진 분할도 그 순서를 "
        "따릅니다. 부분마다 클래스가 다를 수 있습니다.",
    ),
    "data.finding.class_not_in_training": (
        "Classes without a training example, {count} in all ({names}): no network can learn them.",
        "학습 예제가 하나도 없는 클래스가 {count}개 있습니다({names}). 어떤 신경망도 배울 수 없습니다.",
    ),
    "data.finding.constant_features": (
        "Features that never change in the training split: {count} of {of}.",
        "특징 {of}개 중 {count}개가 학습 분할에서 변하지 않습니다.",
    ),
    "data.finding.small_test_values": (
        "The test split has {count} examples: scores, and who is ahead of whom, are known only roughly.",
        "시험 예제가 {count}개뿐입니다. 점수와 순위를 대략만 알 수 있습니다.",
    ),
    "data.finding.small_test": (
        "The test split has {count} examples: an accuracy of 90 % would be known to about ±{margin:.0%} only.",
        "시험 예제가 {count}개뿐입니다. 정확도 90 %도 ±{margin:.0%} 정도로만 알 수 있습니다.",
    ),
}
