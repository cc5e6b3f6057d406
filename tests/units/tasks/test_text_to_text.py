import json

import keras
import numpy as np
import pytest

from seq2seq_keras import data, decode, models, tokens
from seq2seq_keras.context import BOS, PAD
from seq2seq_keras.decode import controls
from seq2seq_keras.errors import InputError
from seq2seq_keras.objectives import token_log_probs
from seq2seq_keras.tasks import TextToText
from tests import cases

TEXTS = ["a b c", "", "h g f e d c b a", "a", "never-seen b"]


def task(family="attention", separate=False, **options):
    corpus = data.reverse_pairs(20, seed=1)
    source = tokens.learn("words", corpus.source)
    target = tokens.learn("characters", corpus.target) if separate else None
    keras.utils.set_random_seed(3)
    model = getattr(models, family)(source.size, target.size if separate else None, width=8, depth=1)
    cases.shake(model)
    return TextToText(model, source, target, max_length=10, **options)


@pytest.fixture(scope="module")
def attentive():
    return task(search=decode.Beam(3, n_best=3))


def test_one_output_a_text_in_the_order_of_the_texts(attentive):
    together = attentive.generate(TEXTS)
    assert together == [attentive.generate([text])[0] for text in TEXTS]
    assert attentive.generate([]) == []


def test_the_batch_size_changes_nothing():
    one, many = (task(search=decode.Beam(2), batch_size=size) for size in (1, 4))
    assert one.generate(TEXTS) == many.generate(TEXTS)


def test_the_search_is_traced_once_for_all_lengths(attentive):
    attentive.generate(["a", "b c d e"])
    traced = attentive._graphs.outputs(attentive.search, False, False)
    attentive.generate(["h g f e d c b a", "b"])
    assert traced is attentive._graphs.outputs(attentive.search, False, False)
    assert traced.experimental_get_tracing_count() == 1


@pytest.mark.parametrize(
    "search",
    [
        pytest.param(decode.Beam(2, n_best=2), id="beam"),
        pytest.param(decode.Sample(seed=1), id="sample", marks=pytest.mark.slow),
    ],
)
def test_a_compiled_search_says_the_same_and_is_compiled_once_for_lengths_alike(search):
    plain, compiled = (task("transformer", search=search, jit_compile=jit) for jit in (False, True))
    compiled.batch_size = plain.batch_size = 1
    for one, other in zip(plain.nbest(TEXTS), compiled.nbest(TEXTS)):
        assert [found.text for found in one] == [found.text for found in other]
        np.testing.assert_allclose([found.score for found in one], [found.score for found in other], atol=1e-4)
    assert len(compiled._graphs._loop._compiled) == 1
    assert plain.nbest(["a"], prefixes=["b"])[0][0].text == compiled.nbest(["a"], prefixes=["b"])[0][0].text


def test_n_best_is_sorted_and_scored(attentive):
    for outputs in attentive.nbest(TEXTS):
        scores = [scored.score for scored in outputs]
        assert 1 <= len(outputs) <= 3 and scores == sorted(scores, reverse=True)
    assert [outputs[0].text for outputs in attentive.nbest(TEXTS)] == attentive.generate(TEXTS)


def test_the_score_is_the_sum_of_log_p_under_teacher_forcing(attentive):
    sources, targets = ["a b c", "h g", "a"], ["c b a", "e", ""]
    ids = tokens.prepare(sources, attentive.source, 256)
    wanted = tokens.prepare(targets, attentive.source, 256)  # with EOS, as labels have
    shifted = np.concatenate([np.full((3, 1), BOS), np.asarray(wanted)[:, :-1]], axis=1)
    logits = attentive.model({"source": np.asarray(ids), "target": shifted})
    expected = np.sum(np.asarray(token_log_probs(wanted, logits)) * (np.asarray(wanted) != PAD), axis=1)
    np.testing.assert_allclose(attentive.score(sources, targets), expected, atol=1e-4)


def test_scores_of_lists_of_unequal_length_and_of_long_targets_are_refused(attentive):
    with pytest.raises(InputError, match="2 sources and 1 targets"):
        attentive.score(["a", "b"], ["a"])
    with pytest.raises(InputError, match="target 2 has 13 ids"):
        attentive.score(["a", "b"], ["a", "a b c d e f g h a b c d"])
    assert attentive.score([], []) == []


def test_alignment_has_a_row_for_each_output_piece(attentive):
    found = attentive.align("a b c", "c b")
    assert (found.source, found.target) == (["a", "b", "c", "<eos>"], ["c", "b", "<eos>"])
    assert found.weights.shape == (3, 4)
    np.testing.assert_allclose(found.weights.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("family,separate", [("lstm", False), ("attention", True), ("transformer", False)])
@pytest.mark.parametrize(
    "search", [decode.Greedy((controls.MinLength(2),)), decode.Beam(4, 1.0)], ids=["greedy", "beam"]
)
def test_saved_and_loaded_is_the_same(tmp_path, family, separate, search):
    live = task(family, separate, search=search, max_source=7, batch_size=3)
    live.save(tmp_path / "task")
    loaded = TextToText.load(tmp_path / "task")
    assert loaded.search == search
    assert (loaded.max_source, loaded.max_length, loaded.batch_size) == (7, 10, 3)
    for ours, theirs in zip(loaded.nbest(TEXTS), live.nbest(TEXTS), strict=True):
        assert [scored.text for scored in ours] == [scored.text for scored in theirs]
        np.testing.assert_allclose([scored.score for scored in ours], [scored.score for scored in theirs], rtol=1e-5)


def test_searches_that_were_saved_under_their_first_names_are_read(tmp_path, attentive):
    attentive.save(tmp_path / "task")
    head = tmp_path / "task" / "task.json"
    written = json.loads(head.read_text())
    for before, now in (
        ({"kind": "greedy"}, decode.Greedy()),
        ({"kind": "beam", "width": 3, "length_penalty": 0.5, "n_best": 2}, decode.Beam(3, 0.5, 2)),
    ):
        head.write_text(json.dumps(written | {"search": before}))
        assert TextToText.load(tmp_path / "task").search == now


@pytest.mark.parametrize(
    "search", [{"kind": "Magic"}, {}, {"kind": "Beam", "width": 0}, {"kind": "Beam", "tempo": 1}, {"kind": ["Beam"]}]
)
def test_a_search_that_is_not_known_is_named(tmp_path, attentive, search):
    attentive.save(tmp_path / "task")
    head = tmp_path / "task" / "task.json"
    head.write_text(json.dumps(json.loads(head.read_text()) | {"search": search}))
    with pytest.raises(InputError, match="task.json: search: .*Save the task again"):
        TextToText.load(tmp_path / "task")


def test_saving_again_replaces_and_saving_over_something_else_is_refused(tmp_path, attentive):
    attentive.save(tmp_path / "task")
    attentive.save(tmp_path / "task")
    TextToText.load(tmp_path / "task")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.doc").write_text("mine")
    with pytest.raises(InputError, match="no task.json in it"):
        attentive.save(tmp_path / "mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "task"]
    assert (tmp_path / "mine" / "thesis.doc").read_text() == "mine"


def test_a_failed_save_leaves_the_old_one(tmp_path, attentive, monkeypatch):
    attentive.save(tmp_path / "task")
    before = (tmp_path / "task" / "model.keras").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(attentive.source), "save", full)
    with pytest.raises(InputError, match="No space left"):
        attentive.save(tmp_path / "task")
    assert [path.name for path in tmp_path.iterdir()] == ["task"]
    assert (tmp_path / "task" / "model.keras").read_bytes() == before


@pytest.mark.parametrize("damage", ["task.json", "model.keras", "source/words.json", "source/tokenizer.json"])
def test_a_damaged_file_is_named(tmp_path, attentive, damage):
    attentive.save(tmp_path / "task")
    path = tmp_path / "task" / damage
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=damage.replace(".", r"\.")):
        TextToText.load(tmp_path / "task")


def test_a_vocabulary_of_another_size_is_refused(attentive):
    other = tokens.learn("words", ["x y"])
    with pytest.raises(InputError, match="source vocabulary has 6 entries and the model's table 12"):
        TextToText(attentive.model, other)


def test_no_folder_of_ours(tmp_path):
    with pytest.raises(InputError, match="no task.json"):
        TextToText.load(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        TextToText.load(tmp_path / "nowhere")
