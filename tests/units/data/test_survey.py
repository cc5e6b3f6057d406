"""The report on a corpus, and the mistakes it must find: on made-up pairs and, where it is there, on real text."""

import json
import string
from pathlib import Path

import numpy as np
import pytest

from seq2seq_keras import data
from seq2seq_keras.data import Corpus

SHARED = Path(__file__).parents[4] / "shared" / "data"
multi30k = pytest.mark.skipif(not (SHARED / "multi30k").is_dir(), reason="../shared/data/multi30k is not here")
cmudict = pytest.mark.skipif(not (SHARED / "cmudict-g2p").is_dir(), reason="../shared/data/cmudict-g2p is not here")


def made_up(count: int, seed: int = 0) -> Corpus:
    """Two invented languages: words map one to one, of like length; some numbers and question marks are kept."""
    random = np.random.default_rng(0)
    letters = [list("abcdefghij"), list("klmnopqrst")]
    words = [["".join(random.choice(one, size)) for size in 2 + np.arange(300) % 9] for one in letters]
    random = np.random.default_rng(seed + 1)
    source, target = [], []
    for _ in range(count):
        chosen = random.integers(0, 300, random.integers(3, 20))
        end = f" {random.integers(10, 2000)} ?" if random.random() < 0.1 else " ."
        source.append(" ".join(words[0][word] for word in chosen) + end)
        target.append(" ".join(words[1][word] for word in chosen[::-1]) + end)
    return Corpus(source, target, list(range(1, count + 1)), {}, "made.up")


def shifted(corpus: Corpus, first: int, offset: int) -> Corpus:
    """From line `first` on, target lines stand `offset` lines later; the end is filled or cut."""
    at, target = first - 1, corpus.target
    rest = target[at:]
    rest = rest[-offset:] + rest[:-offset]
    return Corpus(corpus.source, target[:at] + rest, corpus.lines, {}, corpus.name)


def turned(corpus: Corpus) -> Corpus:
    return Corpus(corpus.target, corpus.source, corpus.lines, {}, "turned")


def rows(*pairs: tuple[str, str]) -> Corpus:
    return Corpus([s for s, _ in pairs], [t for _, t in pairs], list(range(11, 11 + len(pairs))), {}, "rows")


def multi30k_pairs(part: str = "train", other: str = "de") -> Corpus:
    return data.read_pairs(SHARED / f"multi30k/{part}.en.gz", SHARED / f"multi30k/{part}.{other}.gz")


def cmudict_pairs(part: str) -> Corpus:
    return data.read_pairs(SHARED / f"cmudict-g2p/{part}.tsv.gz")


def test_sizes_and_lengths():
    corpus = Corpus(["a b", "a b c d"], ["x", "xyz"], [1, 3], {"empty side": [2]}, "two")
    report = data.survey(corpus)
    assert report["pairs"] == 2 and report["name"] == "two"
    assert report["rejected"] == {"empty side": {"count": 1, "lines": [2]}}
    words = report["words"]["source"]
    assert (words["total"], words["mean"], words["min"], words["median"], words["max"]) == (6, 3.0, 2, 3, 4)
    assert report["characters_a_line"]["target"]["max"] == 3
    json.dumps(report)


@pytest.mark.parametrize("count", (1, 7, 500))
def test_the_histogram_counts_every_line_and_its_sides_share_the_edges(count):
    report = data.survey(made_up(count))
    for unit in ("words", "characters_a_line"):
        both = report[unit]
        assert both["source"]["histogram"]["edges"] == both["target"]["histogram"]["edges"]
        for side in both.values():
            edges, counts = side["histogram"]["edges"], side["histogram"]["counts"]
            assert sum(counts) == count and len(edges) == len(counts) + 1 <= 70


def test_a_corpus_without_pairs_has_a_report():
    assert data.survey(Corpus([], [], []))["pairs"] == 0
    assert not data.shifts(Corpus([], [], []))
    assert not data.Sides(Corpus([], [], [])).separable


def test_duplicates_name_their_line_and_where_it_stood_first():
    found = data.survey(rows(("a", "x"), ("b", "y"), ("a", "x"), ("a ", "z")))["duplicates"]
    assert found["pairs"] == {"count": 1, "lines": [13], "first_at": [11]}
    assert found["sources"] == {"count": 2, "lines": [13, 14], "first_at": [11, 11]}


def test_identical_sides():
    assert data.survey(rows(("a", "x"), ("b", "b "), ("c", "c")))["identical"] == {"count": 2, "lines": [12, 13]}


def test_overlap_with_train_names_lines_of_the_other():
    found = data.overlap(rows(("a", "x"), ("b", "y")), rows(("c", "y"), ("a", "x"), ("b", "z")))
    assert found["pairs"] == {"count": 1, "lines": [12]}
    assert found["sources"] == {"count": 2, "lines": [12, 13]}
    assert found["targets"] == {"count": 2, "lines": [11, 12]}


def test_ratio_outliers_come_worst_first():
    corpus = made_up(200)
    corpus.target[49] = "k"
    corpus.target[149] = corpus.target[149] * 4
    found = data.survey(corpus)["ratio"]
    assert found["count"] == 2 and found["lines"] == [50, 150]
    assert found["ratios"][1] > 3 and 0.9 < found["median"] < 1.1


def test_characters_that_look_like_damage():
    found = data.survey(rows(("aaa\tb", "x"), ("aa\ufffd", "x\x85"), ("aa", "x")))["characters"]
    source, target = found["source"], found["target"]
    assert source["distinct"] == 4
    assert source["replacement"] == {"count": 1, "lines": [12]}
    assert source["control"]["first"] == [{"character": "U+0009", "name": "Cc", "count": 1, "line": 11}]
    assert [one["character"] for one in source["rare"]["first"]] == ["U+0009", "U+0062", "U+FFFD"]
    assert target["control"]["count"] == 1


@pytest.mark.parametrize("offset", (-3, -1, 1, 2, 7))
@pytest.mark.parametrize("first", (1, 1_000, 2_701))
def test_misaligned_lines_are_found_and_the_first_one_named(first, offset):
    (found,) = data.shifts(shifted(made_up(3_000), first, offset))
    assert found.offset == offset and found.open_end
    assert abs(found.first - first) < 20


def test_a_stretch_that_finds_back_is_named_with_its_end():
    corpus = made_up(3_000)
    target = corpus.target[:999] + corpus.target[1_000:2_000] + ["k ."] + corpus.target[2_000:]
    error = data.misaligned(Corpus(corpus.source, target, corpus.lines, {}, "two files"))
    (found,) = data.shifts(Corpus(corpus.source, target, corpus.lines))
    assert abs(found.first - 1_000) < 20 and abs(found.last - 2_000) < 20 and not found.open_end
    assert f"two files:{found.first}: " in str(error) and f"to {found.last}" in str(error)
    assert "line N-1 of the target" in str(error)


def test_line_numbers_are_those_of_the_file_where_lines_were_left_out():
    corpus = shifted(made_up(2_000), 1_000, 1)
    (found,) = data.shifts(Corpus(corpus.source, corpus.target, [line + 500 for line in corpus.lines]))
    assert abs(found.first - 1_500) < 20


@pytest.mark.parametrize("count", (10, 100, 2_000))
@pytest.mark.parametrize("make", (made_up, data.copy_pairs, data.reverse_pairs))
def test_no_alarm_on_aligned_pairs(make, count):
    train, valid = make(count), make(max(count // 10, 5), seed=3)
    for corpus in (train, valid):
        assert data.misaligned(corpus) is None
        assert data.swapped(train, corpus) is None


def test_no_alarm_on_pairs_sorted_by_length_nor_on_unrelated_sides():
    corpus = made_up(2_000)
    order = sorted(range(2_000), key=lambda row: len(corpus.source[row]))
    assert not data.shifts(Corpus([corpus.source[i] for i in order], [corpus.target[i] for i in order], corpus.lines))
    other = made_up(2_000, seed=5)
    assert not data.shifts(Corpus(corpus.source, other.target, corpus.lines))


def test_no_alarm_on_a_dialogue_whose_target_is_the_next_source():
    texts = made_up(2_001).source
    assert not data.shifts(Corpus(texts[:-1], texts[1:], list(range(1, 2_001))))


@pytest.mark.parametrize("make", (data.copy_pairs, data.reverse_pairs))
def test_misaligned_toy_pairs_are_found(make):
    (found,) = data.shifts(shifted(make(2_000), 1_000, 1))
    assert abs(found.first - 1_000) < 20 and found.offset == 1


def test_swapped_sides_are_found_and_lines_named():
    train, valid = made_up(300), made_up(50, seed=3)
    error = data.swapped(train, turned(valid))
    assert error is not None and "turned" in str(error) and "lines 1, 2, 3 and more" in str(error)
    assert data.Sides(train).reversed_rows(turned(valid)).tolist() == list(range(50))


def test_a_few_pairs_over_many_letters_are_not_judged_by_heart():
    train, valid = (data.reverse_pairs(20, seed, string.ascii_letters) for seed in (0, 1))
    assert data.swapped(train, valid) is None and data.swapped(train, turned(valid)) is None


def test_pairs_reversed_inside_the_training_data_are_counted():
    corpus = made_up(300)
    for row in (4, 77):
        corpus.source[row], corpus.target[row] = corpus.target[row], corpus.source[row]
    assert data.Sides(corpus).reversed_rows(corpus).tolist() == [4, 77]


@multi30k
@pytest.mark.parametrize("other", ("de", "fr", "cs"))
def test_no_alarm_on_multi30k(other):
    train, valid = multi30k_pairs(other=other), multi30k_pairs("val", other)
    assert data.misaligned(train) is None and data.misaligned(valid) is None
    assert data.swapped(train, valid) is None
    assert not len(data.Sides(train).reversed_rows(train))


@multi30k
@pytest.mark.parametrize("first, offset", ((1, 1), (14_501, -1), (28_700, 2)))
def test_multi30k_misaligned(first, offset):
    (found,) = data.shifts(shifted(multi30k_pairs(), first, offset))
    assert found.offset == offset and abs(found.first - first) < 30


@multi30k
def test_multi30k_swapped():
    train = multi30k_pairs()
    assert data.swapped(train, turned(multi30k_pairs("val"))) is not None
    assert data.swapped(turned(train), multi30k_pairs("test_2016_flickr")) is not None


@cmudict
def test_no_alarm_on_cmudict():
    train = cmudict_pairs("train")
    sides = data.Sides(train)
    assert data.misaligned(train) is None
    for part in ("dev", "test"):
        corpus = cmudict_pairs(part)
        assert data.misaligned(corpus) is None and data.swapped(train, corpus, sides) is None
        assert data.swapped(train, turned(corpus), sides) is not None
