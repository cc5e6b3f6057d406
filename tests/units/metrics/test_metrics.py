import pytest
import sacrebleu

from seq2seq_keras.errors import InputError
from seq2seq_keras.metrics import bleu, chrf, compare, error_rate

OUTPUTS = ["the cat sat on the mat", "a dog runs , fast", "so it is said here"]
REFERENCES = [["the cat sat on a mat", "the dog runs fast", "so it is said now"], ["a cat sat there", "x", "y"]]


@pytest.mark.parametrize("tokenize", ["13a", "none", "char"])
def test_bleu_is_sacrebleus_and_says_how(tokenize):
    found = bleu(OUTPUTS, REFERENCES, tokenize)
    assert found.score == pytest.approx(sacrebleu.corpus_bleu(OUTPUTS, REFERENCES, tokenize=tokenize, force=True).score)
    assert f"tok:{tokenize}" in found.signature and "nrefs:2" in found.signature


def test_bleu_by_hand():
    # 1 to 4-grams of 5 words against 6: 4/5, 3/4, 2/3, 1/2; brevity exp(1 - 6/5).
    found = bleu(["a b c d x"], [["a b c d e f"]], "none")
    assert found.score == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25 * 2.718281828 ** (1 - 6 / 5))


def test_chrf_is_sacrebleus():
    assert chrf(OUTPUTS, REFERENCES).score == pytest.approx(sacrebleu.corpus_chrf(OUTPUTS, REFERENCES).score)


def test_other_numbers_of_references_are_refused():
    with pytest.raises(InputError, match="3 outputs and 1 references"):
        bleu(OUTPUTS, [["one"]])
    with pytest.raises(InputError, match="no output"):
        chrf([], [[]])


def test_a_better_system_is_found_significant_and_an_equal_one_is_not():
    truth = [f"this is sentence number {n} of the set" for n in range(60)]
    worse = [text.replace("is sentence", "was phrase") if n % 2 else text for n, text in enumerate(truth)]
    found = compare(truth, worse, [truth], samples=200)
    assert found.ours == pytest.approx(100) and found.theirs < 90 and found.p_value < 0.05
    assert compare(worse, worse, [truth], samples=200).p_value == 1.0


@pytest.mark.parametrize(
    "output,accepted,rows,tokens",
    [
        ("k ae t", ["k ae t"], 0, 0),
        ("k ae", ["k ae t"], 1, 1 / 3),
        ("k ah t s", ["k ae t"], 1, 2 / 3),
        ("", ["k ae t"], 1, 1),
        ("d ao g", ["k ae t", "d ao g"], 0, 0),
        ("d ao", ["k ae t s", "d ao g"], 1, 1 / 3),
    ],
)
def test_error_rates_by_hand(output, accepted, rows, tokens):
    assert error_rate([output], [accepted]) == pytest.approx((rows, tokens))


def test_error_rates_weigh_tokens_over_all_rows():
    found = error_rate(["a b c d", "x"], [["a b c d"], ["y"]])
    assert found == pytest.approx((1 / 2, 1 / 5))


def test_a_row_without_reference_is_named():
    with pytest.raises(InputError, match="row 2"):
        error_rate(["a", "b"], [["a"], ["  "]])
