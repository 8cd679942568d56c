"""The catalogues: whole in every shipped language, readable by translators' tools, open to a further language."""

import re
import shutil
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

import bakeoff.messages
from bakeoff import models
from bakeoff.data.synthetic.planted import PLANTED
from bakeoff.messages import (
    CATALOGUES,
    LANGUAGES,
    all_sentences,
    language_of,
    say,
    say_if_known,
    say_in,
    set_language,
)
from bakeoff.messages.catalogue import Catalogues
from bakeoff.models import BIASES

TRANSLATED = [language for language in LANGUAGES if language != "en"]
FILES = sorted(CATALOGUES.folder.rglob("*.po*"))
RUSSIAN_PLURAL = (
    "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"
)


def names(forms: tuple[str, ...]) -> set[str]:
    return {name for form in forms for _, name, _, _ in string.Formatter().parse(form) if name}


def read_with_babel(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def test_english_and_korean_are_shipped() -> None:
    assert {"en", "ko"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_shipped_language_has_every_sentence_with_the_same_placeholders(language: str) -> None:
    english, translated = all_sentences(), all_sentences(language)
    assert len(english) > 500
    assert set(translated) == set(english)
    for key, forms in translated.items():
        assert names(forms) == names(english[key]), key


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_of_an_english_sentence_that_has_changed_since(language: str) -> None:
    for topic in CATALOGUES.topics:
        path = CATALOGUES.folder / language / "LC_MESSAGES" / f"{topic}.po"
        template, translated = read_with_babel(CATALOGUES.folder / f"{topic}.pot"), read_with_babel(path)
        assert [(m.context, m.id) for m in translated] == [(m.context, m.id) for m in template], path
        assert [m.auto_comments for m in translated] == [m.auto_comments for m in template], path
        assert not any(message.fuzzy for message in translated if message.id), path


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_another_reader_finds_the_same_sentences(path: Path) -> None:
    is_template = path.suffix == ".pot"
    language = "en" if is_template else path.parent.parent.name
    messages = [message for message in read_with_babel(path) if message.id]
    theirs = {}
    for message in messages:
        said = message.id if is_template else message.string
        theirs[message.context] = (said,) if isinstance(said, str) else tuple(said)
    assert {key: s.forms for key, s in CATALOGUES.sentences(path.stem, language).items()} == theirs
    assert len(theirs) == len(messages), "a key stands twice"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figure_that_decides_between_forms_is_in_the_sentence(language: str) -> None:
    several = 0
    for key in all_sentences():
        sentence = CATALOGUES.sentence(key, language)
        several += len(sentence.forms) > 1
        assert len(sentence.forms) == 1 or sentence.deciding in names(sentence.forms), key
    assert language != "en" or several > 10


def test_keys_begin_with_the_topic_that_holds_them() -> None:
    for topic in CATALOGUES.topics:
        assert all(key.startswith(f"{topic}.") for key in CATALOGUES.sentences(topic, "en"))


def test_no_key_is_unknown_in_silence() -> None:
    with pytest.raises(KeyError, match=r"verdict\.no_such"):
        say("verdict.no_such")


@pytest.mark.parametrize(
    ("count", "said"), [("1", "1 network"), (1, "1 network"), ("0", "0 networks"), (2, "2 networks")]
)
def test_one_is_said_in_the_singular(count: object, said: str) -> None:
    assert say_in("en", "models.title", {"count": count}) == said


def test_any_figure_may_decide_and_a_fraction_is_more_than_one() -> None:
    assert say_in("en", "verdict.points", {"points": "1"}) == "1 point"
    assert say_in("en", "verdict.points", {"points": "1.5"}) == "1.5 points"
    assert (
        say_in("en", "data.card.graph", {"nodes": 9, "features": 1})
        == "graphs, up to 9 nodes, 1 number a node"
    )


def test_korean_has_one_word_for_each_concept() -> None:
    other_words = {"매개변수": "파라미터", "시험": "테스트", "라벨": "레이블", "십시오": "세요"}
    for key, forms in all_sentences("ko").items():
        for word, chosen in other_words.items():
            assert word not in forms[0], f"{key}: {chosen}"


def test_no_korean_sentence_writes_both_particles_or_guesses_after_a_placeholder() -> None:
    guessed = re.compile(r"\}['\")]*(은|는|이|가|을|를|과|와|로|으로|라고|이라고)(?=[\s.,)]|$)")
    both = re.compile(r"은\(는\)|이\(가\)|을\(를\)|과\(와\)|\(으\)로|\(이\)라")
    known = re.compile(r"\{\w+:[^}]*%\}(가|를|로)|[개오프셋]\((\{\w+\}|[^()])*\)[이가]")  # 퍼센트, 개, 오프셋
    for key, (sentence,) in all_sentences("ko").items():
        assert not both.search(sentence), key
        assert not guessed.search(known.sub("", sentence)), (key, sentence)


@pytest.mark.parametrize(
    ("locale", "language"),
    [("ko", "ko"), ("ko_KR.UTF-8", "ko"), ("ko-KR", "ko"), ("KO", "ko"), ("en_US.UTF-8", "en"), ("C.UTF-8", "en"),
     ("de_DE.UTF-8", "en"), ("", "en"), ("kok_IN", "en"), ("pt_BR.UTF-8", "pt_BR"), ("pt_PT", "en")],
)  # fmt: skip
def test_the_environment_names_a_language_as_locales_are_named(locale: str, language: str) -> None:
    assert language_of(locale, ("en", "ko", "pt_BR")) == language


def test_bakeoff_lang_comes_before_lang(monkeypatch: pytest.MonkeyPatch) -> None:
    set_language(None)
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.setenv("BAKEOFF_LANG", "ko")
    assert bakeoff.messages.language() == "ko"
    monkeypatch.delenv("BAKEOFF_LANG")
    assert bakeoff.messages.language() == "en"


# a further language


@pytest.fixture
def with_russian(tmp_path: Path) -> Catalogues:
    """The catalogues with one file more: one sentence translated, one marked as fuzzy, one left empty."""
    folder = tmp_path / "locale"
    shutil.copytree(CATALOGUES.folder, folder)
    (folder / "ru" / "LC_MESSAGES").mkdir(parents=True)
    (folder / "ru" / "LC_MESSAGES" / "models.po").write_text(
        f"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: {RUSSIAN_PLURAL}\\n"

msgctxt "models.title"
msgid "{{count}} network"
msgid_plural "{{count}} networks"
msgstr[0] "{{count}} сеть"
msgstr[1] "{{count}} сети"
msgstr[2] "{{count}} сетей"

#, fuzzy
msgctxt "models.name"
msgid "name"
msgstr "имя?"

msgctxt "models.family"
msgid "family"
msgstr ""
""",
        encoding="utf-8",
    )
    return Catalogues(folder)


def test_a_language_is_added_by_its_files_alone(
    with_russian: Catalogues, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert with_russian.languages == ("en", "ko", "ru")
    monkeypatch.setattr(bakeoff.messages, "CATALOGUES", with_russian)
    monkeypatch.setattr(bakeoff.messages, "LANGUAGES", with_russian.languages)
    set_language("ru")
    assert [say("models.title", count=count) for count in (1, 3, 5, 21, "1,012")] == [
        "1 сеть", "3 сети", "5 сетей", "21 сеть", "1,012 сетей",
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["models.name", "models.family", "models.year", "report.table.entrant"])
def test_a_sentence_that_a_language_lacks_is_said_in_english(with_russian: Catalogues, key: str) -> None:
    assert with_russian.sentence(key, "ru") == with_russian.sentence(key, "en")


# what the code says


def sources() -> str:
    package = Path(bakeoff.__file__).parent
    return "\n".join(path.read_text() for end in ("*.py", "*.j2") for path in package.rglob(end))


def test_every_key_that_the_code_names_is_in_the_catalogues() -> None:
    topics = "|".join(CATALOGUES.topics)
    named = set(
        re.findall(rf"""(?:say\(|key=|_say\(console, )["']((?:{topics})\.[a-z_.]*[a-z_])["']""", sources())
    )
    assert len(named) > 150
    assert named <= set(all_sentences())


def test_no_sentence_is_left_that_nobody_says() -> None:
    text = sources()
    named = set(re.findall(r"""["'`]([a-z]+\.[\w.]+)["'`]""", text))
    beginnings = tuple(set(re.findall(r"""["'`]([a-z]+\.[\w.]*)\{""", text)) & known_beginnings())
    silent = {key for key in all_sentences() if key not in named and not key.startswith(beginnings)}
    assert silent == set()


def test_a_network_of_the_catalogue_is_described_by_the_sentence_of_its_card() -> None:
    ideas = {f"models.idea.{name}": (models.card(name).summary,) for name in models.catalogue()}
    assert ideas == {key: forms for key, forms in all_sentences().items() if key.startswith("models.idea.")}


def test_a_network_of_ones_own_is_described_in_its_own_words() -> None:
    assert say_if_known("models.idea.tower", "my tower") == "my tower"
    set_language("ko")
    assert say_if_known("models.idea.gru", "-") == "LSTM의 게이트 세 개를 두 개로 줄인 것."


def test_biases_and_planted_tasks_are_described_as_their_records_say() -> None:
    for name, meaning in BIASES.items():
        assert say_in("en", f"models.bias.{name}", {}) == meaning
    for name, task in PLANTED.items():
        assert say_in("en", f"data.planted.{name}", {}) == task.summary


def known_beginnings() -> set[str]:
    """What keys begin with, up to each dot."""
    return {key[: dot.end()] for key in all_sentences() for dot in re.finditer(r"\.", key)}
