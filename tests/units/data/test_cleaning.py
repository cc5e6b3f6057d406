"""What a pair is made of once cleaned, and why it may be left out."""

import pytest

from seq2seq_keras.data import Cleaning
from seq2seq_keras.data.cleaning import clean
from seq2seq_keras.errors import InputError

GOLDEN = {
    "a b": "a b",
    "  a \t b  ": "a b",
    "a\r": "a",
    "\ufeffa": "a",
    "a\u200bb": "ab",
    "a\u2028b\u2029c\x85d": "a b c d",
    "a\x1cb\x07c": "a b c",
    "a\xa0b\u3000c": "a b c",
    "\U0001f600 é e\u0301": "\U0001f600 é e\u0301",
    "می\u200cخواهم": "می\u200cخواهم",  # the joiner in it is spelling
    " \u200b \ufeff": "",
}


@pytest.mark.parametrize("raw", GOLDEN, ids=ascii)
def test_what_cleaning_makes_of_a_text(raw):
    assert clean(raw) == GOLDEN[raw]
    assert clean(GOLDEN[raw]) == GOLDEN[raw]


def test_an_empty_side_is_told_before_anything_else():
    assert Cleaning(source_script=("Greek",))("\ufeff", "a b") == ("", "a b", "empty side")


@pytest.mark.parametrize("source, target, reason", [("abc", "a" * 9, ""), ("abc", "a" * 10, "ratio")])
def test_lengths_may_differ_so_many_times(source, target, reason):
    assert Cleaning(max_ratio=3.0)(source, target)[2] == reason
    assert Cleaning(max_ratio=3.0)(target, source)[2] == reason


@pytest.mark.parametrize(
    "scripts, text, reason",
    [
        (("Latin",), "plain text", ""),
        (("Latin",), "naïve Ωmega", ""),
        (("Latin",), "Ωμέγα", "source script"),
        (("Latin",), "12 + 3 = 15", ""),
        (("Cyrillic",), "plain text", "source script"),
        (("Cyrillic",), "Привет, x", ""),
        (("Cyrillic",), "12 + 3 = 15", ""),
        (("Han",), "日本語です", ""),
        (("Han",), "これはひらがな", "source script"),
        (("Han", "Hiragana"), "これはひらがな", ""),
    ],
)
def test_most_letters_are_of_the_scripts_asked_for(scripts, text, reason):
    assert Cleaning(source_script=scripts)(text, "aaaaaa")[2] == reason
    assert Cleaning(target_script=scripts)("aaaaaa", text)[2] == reason.replace("source", "target")


def test_the_share_of_letters_is_a_limit_and_not_a_rule_of_thumb():
    assert Cleaning(source_script=("Latin",), script_share=0.75)("aaaω", "b")[2] == ""
    assert Cleaning(source_script=("Latin",), script_share=0.76)("aaaω", "b")[2] == "source script"


def test_a_script_that_unicode_does_not_have_is_refused():
    with pytest.raises(InputError, match="'Klingon' is no script; expected a name"):
        Cleaning(target_script=("Klingon",))


@pytest.mark.parametrize("wrong", [{"max_ratio": 0.5}, {"script_share": 1.5}])
def test_arguments_without_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Cleaning(**wrong)
