"""Text files of TensorFlow Serving: what they mean, and how a mistake in one is told."""

from pathlib import Path

import pytest

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import config
from seq2seq_keras.serve.config import All, BatchingParameters, Latest, ModelConfig, Specific

MODELS = """
# Of the documentation of TensorFlow Serving.
model_config_list {
  config {
    name: 'first'
    base_path: '/models/first'
    model_platform: 'tensorflow'
    model_version_policy { specific { versions: 43 versions: 42 } }
    version_labels { key: 'stable' value: 42 }
    version_labels { key: 'canary' value: 43 }
  }
  config { name: "second" base_path: "relative/second" model_version_policy { all {} } }
  config: < name: "third" base_path: "/models/third" model_version_policy { latest { num_versions: 2 } } >
  config { name: "fourth" base_path: "/models/fourth" model_type: TENSORFLOW }
}
"""


@pytest.fixture
def written(tmp_path):
    """Writes a text file."""

    def write(text: str) -> Path:
        path = tmp_path / "settings.pbtxt"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_models(written):
    assert config.read_models(written(MODELS)) == [
        ModelConfig("first", Path("/models/first"), Specific((42, 43)), {"stable": 42, "canary": 43}),
        ModelConfig("second", Path("relative/second"), All()),
        ModelConfig("third", Path("/models/third"), Latest(2)),
        ModelConfig("fourth", Path("/models/fourth"), Latest(1)),
    ]


def test_no_models_is_a_list_of_none(written):
    assert config.read_models(written("model_config_list {}")) == []


@pytest.mark.parametrize(
    "text, line, found",
    {
        "unknown field": ('model_config_list {\n config {\n  nme: "a" } }', 3, 'no field named "nme"'),
        "no brace": ('model_config_list {\n config { name: "a"\n', 2, "Expected"),
        "wrong type": ("model_config_list {\n config { name: 5 } }", 2, "Expected string"),
        "negative latest": (
            'model_config_list { config { name: "a" base_path: "/a"\n'
            " model_version_policy { latest { num_versions: -1 } } } }",
            2,
            "out of range",
        ),
        "name twice": (
            'model_config_list {\n config { name: "a" base_path: "/a" }\n config { name: "a" base_path: "/b" } }',
            3,
            "model 'a' is listed twice",
        ),
        "platform": (
            'model_config_list { config { name: "a" base_path: "/a"\n\n'
            ' model_platform: "caffe" } }\n# model_platform: "caffe"',
            3,
            "model_platform 'caffe'; expected \"tensorflow\"",
        ),
        "type": ('model_config_list {\n config { name: "a" base_path: "/a" model_type: OTHER } }', 2, "model_type"),
        "no path": ('model_config_list {\n\n config { name: "a" } }', 3, "model 'a' has no base_path"),
        "no specific": (
            'model_config_list {\n config { name: "a" base_path: "/a" model_version_policy { specific {} } } }',
            2,
            "expected specific { versions: 1",
        ),
        "negative version": (
            'model_config_list {\n config { name: "a" base_path: "/a"\n'
            " model_version_policy { specific { versions: -1 } } } }",
            2,
            "[-1]",
        ),
        "negative label": (
            'model_config_list {\n config { name: "a" base_path: "/a" version_labels { key: "x" value: -1 } } }',
            2,
            "'x': -1",
        ),
        "request logging": (
            'model_config_list {\n config { name: "a" base_path: "/a" logging_config {} } }',
            2,
            "logging_config of model 'a' is not supported",
        ),
    }.values(),
)
def test_a_mistake_in_models_is_told_with_its_line(written, text, line, found):
    path = written(text)
    with pytest.raises(InputError) as raised:
        config.read_models(path)
    assert raised.value.where == f"{path}:{line}"
    assert found in str(raised.value)


@pytest.mark.parametrize(
    "text, found",
    [
        ("", "a model_config_list is missing"),
        ("custom_model_config {}", "custom_model_config is not supported"),
        ('model_config_list { config { base_path: "/a" } }', "a model has no name"),
    ],
)
def test_what_no_line_can_be_blamed_for(written, text, found):
    path = written(text)
    with pytest.raises(InputError, match=found) as raised:
        config.read_models(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("read", [config.read_models, config.read_batching, config.read_monitoring])
def test_a_file_that_cannot_be_read(read, tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read(tmp_path / "none.pbtxt")
    with pytest.raises(InputError, match="Is a directory"):
        read(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="it is not text"):
        read(tmp_path / "binary")


def test_batching(written):
    text = """
        max_batch_size { value: 128 }
        batch_timeout_micros { value: 0 }
        max_enqueued_batches { value: 8 }
        num_batch_threads { value: 2 }
        allowed_batch_sizes: 1
        allowed_batch_sizes: 16
        allowed_batch_sizes: 128
        pad_variable_length_inputs: true
    """
    assert config.read_batching(written(text)) == BatchingParameters(128, 0, 8, 2, (1, 16, 128), True)


def test_batching_keeps_what_is_not_given(written):
    assert config.read_batching(written("")) == BatchingParameters()
    assert config.read_batching(written("num_batch_threads { value: 3 }")) == BatchingParameters(num_batch_threads=3)


@pytest.mark.parametrize(
    "text, line, found",
    [
        ("\nmax_batch_size { value: 0 }", 2, "max_batch_size is 0; expected 1 or more"),
        ("max_batch_size {}", 1, "max_batch_size is 0"),
        ("batch_timeout_micros { value: -1 }", 1, "batch_timeout_micros is -1; expected 0 or more"),
        ("max_enqueued_batches { value: 0 }", 1, "expected 1 or more"),
        ("num_batch_threads { value: 0 }", 1, "expected 1 or more"),
        ("\n\nmax_batch_size: 5", 3, "Expected"),
        ("thread_pool_name { value: 'x' }", 1, "expected BatchingParameters with max_batch_size"),
        ("max_batch_size { value: 4 }\nallowed_batch_sizes: 2", 2, "the last equal to max_batch_size, 4"),
        ("max_batch_size { value: 4 }\nallowed_batch_sizes: 4 allowed_batch_sizes: 2", 2, "sizes are 4, 2"),
        ("max_batch_size { value: 4 }\nallowed_batch_sizes: [4, 4]", 2, "each larger than the one before"),
        ("max_batch_size { value: 4 }\nallowed_batch_sizes: [0, 4]", 2, "positive numbers"),
    ],
)
def test_a_mistake_in_batching_is_told_with_its_line(written, text, line, found):
    path = written(text)
    with pytest.raises(InputError) as raised:
        config.read_batching(path)
    assert raised.value.where == f"{path}:{line}"
    assert found in str(raised.value)


@pytest.mark.parametrize(
    "text, path",
    [
        ("", ""),
        ("prometheus_config { path: '/m' }", ""),
        ("prometheus_config { enable: true }", "/monitoring/prometheus/metrics"),
        ('prometheus_config { enable: true, path: "/my/metrics" }', "/my/metrics"),
    ],
)
def test_monitoring(written, text, path):
    assert config.read_monitoring(written(text)) == path


def test_a_mistake_in_monitoring_is_told_with_its_line(written):
    with pytest.raises(InputError, match=r":2: path 'metrics'; expected one that begins with /"):
        config.read_monitoring(written("prometheus_config { enable: true\n path: 'metrics' }"))
    with pytest.raises(InputError, match=":1: .*expected MonitoringConfig with prometheus_config"):
        config.read_monitoring(written("prometheus { enable: true }"))
