"""Every endpoint gives what the live model gives."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from keras import ops, tree
from tensorflow_serving.apis import prediction_log_pb2

from seq2seq_keras import decode, export, tokens
from seq2seq_keras.context import BOS, PAD
from seq2seq_keras.decode.controls import Prefixes
from seq2seq_keras.errors import InputError
from seq2seq_keras.export import signatures, warmup
from tests.units.export.conftest import MAX_LENGTH, MAX_SOURCE, TEXTS

CLOSE = {"rtol": 1e-5, "atol": 2e-5}


def test_the_best_text_and_its_score(live, loaded):
    found = loaded.scored(TEXTS)
    assert [text for text, _ in found] == live.said(TEXTS, live.search) == loaded.generate(TEXTS)
    expected = live.found(TEXTS, live.search).scores[:, 0]
    np.testing.assert_allclose([score for _, score in found], expected, **CLOSE)
    assert len({text for text, _ in found}) > 1, "a model that says the same to everything shows nothing"


def test_all_texts_of_the_beam(live, loaded):
    every = live.found(TEXTS, dataclasses.replace(live.search, n_best=live.search.width))
    for row, pairs in enumerate(loaded.nbest(TEXTS)):
        real = every.scores[row].numpy() > -np.inf
        texts = live.target.decode(every.ids[row]).numpy()[real]
        assert [text for text, _ in pairs] == [text.decode() for text in texts]
        np.testing.assert_allclose([score for _, score in pairs], every.scores[row].numpy()[real], **CLOSE)


def test_the_greedy_text(live, loaded):
    found = loaded.scored(TEXTS, "greedy")
    assert [text for text, _ in found] == live.said(TEXTS, decode.Greedy())
    expected = live.found(TEXTS, decode.Greedy()).log_probs[:, 0]
    np.testing.assert_allclose([score for _, score in found], expected, **CLOSE)


def test_a_text_drawn_at_random(live, loaded):
    search = decode.Sample(0.8, top_k=5, min_p=0.01, seed=3_000_000_000)
    found = loaded.sample(TEXTS, 0.8, top_k=5, min_p=0.01, seed=3_000_000_000)
    assert [text for text, _ in found] == live.said(TEXTS, search)
    expected = live.found(TEXTS, search).log_probs[:, 0]
    np.testing.assert_allclose([score for _, score in found], expected, **CLOSE)
    assert found != loaded.sample(TEXTS, 0.8, top_k=5, min_p=0.01, seed=1)


def test_a_text_that_begins_as_it_must(live, loaded):
    prefixes = ["ab", "", "hello", "a", "", "abc", "b"]
    ids = live.target.encode(prefixes).to_tensor(PAD).numpy()
    search = dataclasses.replace(live.search, controls=(Prefixes(ids),))
    found = loaded.prefixed(TEXTS, prefixes)
    assert [text for text, _ in found] == live.said(TEXTS, search)
    assert all(text.startswith(prefix) for (text, _), prefix in zip(found, prefixes))
    np.testing.assert_allclose([score for _, score in found], live.found(TEXTS, search).scores[:, 0], **CLOSE)
    free = loaded.scored(TEXTS)
    assert [found[row][0] for row in (1, 4)] == [free[row][0] for row in (1, 4)]


def test_a_text_while_it_grows(live, loaded):
    for text, (whole, _) in zip(TEXTS, loaded.scored(TEXTS, "greedy")):
        every = ["", *loaded.stream(text)]
        assert every[-1] == whole
        assert all(after.startswith(before) for before, after in zip(every, every[1:]))


def test_the_score_of_a_target(live, loaded):
    targets = ["", "a", "hello", "abc", "ddd", "a c", "ba"]
    source = tokens.prepare(TEXTS, live.source, MAX_SOURCE)
    expected = decode.score(live.model, source, tokens.prepare(targets, live.target, MAX_LENGTH))[1]
    np.testing.assert_allclose(loaded.score(TEXTS, targets), expected, **CLOSE)


def test_a_target_that_does_not_fit_is_refused(loaded):
    assert len(loaded.score(["a"], ["a" * (MAX_LENGTH - 1)])) == 1
    with pytest.raises(InputError, match=f"more ids.*at most {MAX_LENGTH}"):
        loaded.score(["a"], ["a" * MAX_LENGTH])
    with pytest.raises(InputError, match="1 texts and 2 targets"):
        loaded.score(["a"], ["a", "b"])


def test_ids_of_texts_and_texts_of_ids(live, loaded):
    ids = loaded.signatures["tokenize"](text=tokens.strings(TEXTS))["source"]
    np.testing.assert_array_equal(ids, tokens.prepare(TEXTS, live.source, MAX_SOURCE))
    found = live.found(TEXTS, live.search).ids[:, 0]
    texts = loaded.signatures["detokenize"](ids=found)["text"].numpy()
    assert [text.decode() for text in texts] == live.said(TEXTS, live.search)


def test_where_the_model_looks(live, loaded):
    if not live.model.has_attention:
        assert "attention" not in loaded.signatures
        return
    targets = ["", "a", "hello", "abc", "ddd", "a c", "a longer one than fits"]
    found = loaded.signatures["attention"](text=tokens.strings(TEXTS), target=tokens.strings(targets))
    weights, source, target = (found[name].numpy() for name in ("weights", "source", "target"))
    assert weights.shape == (*target.shape, source.shape[1])
    for row, (text, said) in enumerate(zip(TEXTS, targets)):
        left, right = (tokens.prepare([text], live.source, MAX_SOURCE), tokens.prepare([said], live.target, MAX_LENGTH))
        heard, size = left.shape[1], right.shape[1]
        assert source[row, heard - 1] == target[row, size - 1] == b"<eos>"
        assert set(source[row, heard:]) | set(target[row, size:]) <= {b""}
        alone = live.model.attention(left, np.concatenate([[[BOS]], right[:, :-1]], axis=1))
        np.testing.assert_allclose(weights[row, :size, :heard], alone[0], rtol=1e-4, atol=1e-5)
        assert not weights[row, size:].any() and not weights[row, :, heard:].any()


def test_warm_up_requests_run_every_endpoint_of_texts(live, loaded):
    asked = {}
    for record in tf.data.TFRecordDataset(str(live.folder / "assets.extra" / warmup.NAME)):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        given = {name: tf.constant(tf.make_ndarray(proto)) for name, proto in request.inputs.items()}
        loaded.signatures[request.model_spec.signature_name](**given)
        asked[request.model_spec.signature_name] = set(given)
    texts = {name for name in loaded.signatures if "text" in loaded.signatures[name].structured_input_signature[1]}
    assert set(asked) == texts and asked["score"] == {"text", "target"}
    assert asked["sample"] == {"text", *signatures.SAMPLING} and asked["prefixed"] == {"text", "prefix"}


def test_an_empty_batch(loaded):
    assert loaded.generate([]) == [] and loaded.nbest([]) == [] and loaded.score([], []) == []
    assert loaded.sample([]) == [] and loaded.prefixed([], []) == []
    nothing = tf.constant([], tf.string)
    for name in ("serving_default", "nbest", "greedy"):
        found = loaded.signatures[name](text=nothing)
        assert {key: value.shape[0] for key, value in found.items()} == {"text": 0, "score": 0}
    assert loaded.signatures["score"](text=nothing, target=nothing)["score"].shape == (0,)
    state = loaded.signatures["init_state"](source=tf.zeros([0, 0], tf.int32))
    assert {leaf.shape[0] for leaf in state.values()} == {0}


def test_the_batch_changes_nothing(live, loaded):
    assert export.Exported(live.folder, loaded._module, loaded.settings, batch=1).generate(TEXTS) == loaded.generate(
        TEXTS
    )


def test_encode_gives_the_context(live, loaded):
    source = tokens.prepare(TEXTS, live.source, MAX_SOURCE)
    context = live.model.encode(source)
    found = dict(loaded.signatures["encode"](source=source))
    for name in ("memory", "mask"):
        leaf = getattr(context, name)
        if tf.is_tensor(leaf):
            np.testing.assert_allclose(np.float32(found.pop(name)), np.float32(leaf), **CLOSE)
    for place, leaf in enumerate(tree.flatten(context.state)):
        np.testing.assert_allclose(found.pop(f"state_{place}"), leaf, **CLOSE)
    assert not found


def test_a_loop_of_the_client_is_the_loop_in_the_graph(live, loaded):
    """With nothing but the names of the signatures, as a client in another language would."""
    source = tokens.prepare(TEXTS, live.source, MAX_SOURCE)
    state = dict(loaded.signatures["init_state"](source=source))
    ids, said, total = tf.fill([len(TEXTS)], BOS), [], np.zeros(len(TEXTS), "float32")
    for _ in range(MAX_LENGTH):
        after = dict(loaded.signatures["step"](ids=ids, **state))
        log_probs = tf.nn.log_softmax(after.pop("logits")).numpy()
        log_probs[:, [0, BOS]] = -np.inf
        over = [3 in row for row in np.array(said).T] if said else [False] * len(TEXTS)
        ids = tf.constant(log_probs.argmax(-1), tf.int32)
        total += np.where(over, 0.0, log_probs.max(-1))
        said.append(ids.numpy())
        assert set(after) == {name for name in state if name.startswith("carry")}
        state |= after
    texts = [text.decode() for text in live.target.decode(np.array(said).T).numpy()]
    found = loaded.scored(TEXTS, "greedy")
    assert texts == [text for text, _ in found]
    np.testing.assert_allclose(total, [score for _, score in found], **CLOSE)


def test_it_is_a_stepper(live, loaded):
    """A search of another width than was exported, over the loaded model."""
    source = tokens.prepare(TEXTS, live.source, MAX_SOURCE)
    search = decode.Beam(2, length_penalty=0.0, n_best=2)
    found = decode.generate(loaded, source, search, MAX_LENGTH - 1)
    expected = decode.generate(live.model, source, search, MAX_LENGTH - 1)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_allclose(found.scores, expected.scores, **CLOSE)
    with pytest.raises(InputError, match=f"at most {MAX_LENGTH}"):
        loaded.init_state(source, MAX_LENGTH + 1)


def test_what_a_server_sees(live, loaded):
    text = {"text": tf.TensorSpec([None], tf.string, "text")}
    for name in ("serving_default", "nbest", "greedy"):
        assert loaded.signatures[name].structured_input_signature == ((), text)
        assert set(loaded.signatures[name].structured_outputs) == {"text", "score"}
    assert set(loaded.signatures["score"].structured_input_signature[1]) == {"text", "target"}
    drawn = loaded.signatures["sample"].structured_input_signature[1]
    assert {name: spec.shape.rank for name, spec in drawn.items()} == {"text": 1} | dict.fromkeys(
        signatures.SAMPLING, 0
    )
    without = set() if live.model.has_attention else signatures.OF_ATTENTION
    assert set(loaded.signatures) == set(signatures.ENDPOINTS) - without
    for endpoint in loaded.signatures.values():
        names = [*endpoint.structured_input_signature[1], *endpoint.structured_outputs]
        assert all(name[0].isalpha() for name in names)


def test_answers_are_utf8_whatever_was_asked(loaded):
    found = loaded.signatures["nbest"](text=tf.constant([b"\xff\xfe", b"\x00", "\ufeffa".encode()]))
    for text in ops.reshape(found["text"], (-1,)).numpy():
        text.decode("utf-8")
