"""A model is a program: only one that computes is let in, and nothing of another is loaded to find out."""

import shutil

import keras
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from seq2seq_keras import decode, export, tokens
from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import allowed
from tests.units.export.conftest import MAX_LENGTH, MAX_SOURCE, build
from tests.units.serve import toys

STRINGS = tf.TensorSpec([None], tf.string, "text")


@pytest.fixture
def half(tmp_path):
    return toys.half_plus(tmp_path / "1")


def read(folder):
    return saved_model_pb2.SavedModel.FromString((folder / allowed.NAME).read_bytes())


def change(folder, edit):
    """The model with its one graph edited by hand."""
    model = read(folder)
    edit(model.meta_graphs[0])
    (folder / allowed.NAME).write_bytes(model.SerializeToString())


def node(graph, name):
    return next(one for one in graph.graph_def.node if one.name == name)


def function(graph, part):
    return next(one for one in graph.graph_def.library.function if part in one.signature.name)


def call(graph, part):
    """The node that calls a function."""
    return next(one for one in graph.graph_def.node if "f" in one.attr and part in one.attr["f"].func.name)


def told(folder, *edits) -> dict[str, str]:
    """What is said of the model after each edit alone; nothing if it passes."""
    whole, said = (folder / allowed.NAME).read_bytes(), {}
    for edit in edits:
        (folder / allowed.NAME).write_bytes(whole)
        change(folder, edit)
        said[edit.__name__] = ""
        try:
            allowed.check(folder)
        except InputError as error:
            said[edit.__name__] = str(error)
    return said


def test_the_list_is_one_of_ops_in_groups():
    lines = (allowed.Path(allowed.__file__).parent / "allowed_ops.txt").read_text(encoding="utf-8").splitlines()
    ops = [line for line in lines if line and not line.startswith("#")]
    assert len(ops) == len(set(ops)) == len(allowed.OPS) > 500
    assert not any(" " in op for op in ops)


def test_what_touches_more_than_tensors_is_not_in_the_list():
    refused = """
        Abort CollectiveReduceV2 DebugIdentityV2 DecodeProtoV2 DumpTensor EagerPyFunc Empty FixedUnigramCandidateSampler
        GenerateVocabRemapping ImmutableConst InitializeTableFromTextFileV2 LoadAndRemapMatrix MatchingFiles
        MergeV2Checkpoints PrintV2 PyFunc PyFuncStateless ReadFile Recv RemoteCall Restore RestoreV2 RpcCall Save SaveV2
        Send ShardedFilename Skipgram SymbolicGradient TFRecordDataset TextLineDataset WholeFileReaderV2 WriteFile
        XlaLaunch"""
    assert not allowed.OPS & set(refused.split())


def test_small_models_pass(tmp_path, half):
    allowed.check(half)
    allowed.check(toys.toy(tmp_path / "2"))


@pytest.mark.parametrize("op", ["WriteFile", "ReadFile", "MatchingFiles", "PyFunc"])
def test_a_hostile_model_is_refused_by_name(tmp_path, op):
    folder = toys.hostile(tmp_path / "7", op)
    with pytest.raises(InputError, match=f"7/saved_model.pb: its graph holds {op}, which a served model may not"):
        allowed.check(folder)
    allowed.check(folder, more=frozenset({op}))


def test_all_that_is_refused_is_named_in_order(half):
    def edit(graph):
        for op in ("WriteFile", "Abort", "NoSuchOp"):
            graph.graph_def.node.add(name=op, op=op)

    change(half, edit)
    with pytest.raises(InputError, match="holds Abort, NoSuchOp, WriteFile, which"):
        allowed.check(half)


@pytest.mark.parametrize(
    ("name", "search"),
    [pytest.param("lstm", decode.Greedy(), marks=pytest.mark.slow), ("transformer-two-vocabularies", decode.Beam(2))],
    ids=["lstm", "transformer"],
)
def test_our_exports_pass(name, search, tmp_path):
    """A third kind is loaded and asked in `test_servable`."""
    model, source, target = build(name)
    limits = {"max_source": MAX_SOURCE, "max_length": MAX_LENGTH}
    allowed.check(export.write(tmp_path / "1", model, source, target, search=search, **limits))


@pytest.mark.parametrize("kind", ["sentencepiece", "wordpiece", "words", "bytes", "characters"])
def test_our_vocabularies_pass(kind, tmp_path):
    texts = ["the cat sat on the mat", "a dog ran"] * 8
    module = tf.Module()
    module.vocabulary = tokens.learn(kind, texts, **({"size": 300} if kind.endswith("piece") else {}))

    @tf.function(input_signature=[STRINGS], autograph=False)
    def there_and_back(text):
        return {"text": module.vocabulary.decode(tokens.prepare(text, module.vocabulary, 8))}

    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"serving_default": there_and_back})
    allowed.check(tmp_path / "1")


def test_what_keras_exports_passes(tmp_path):
    text = keras.Input((), dtype="string", name="text")
    ids = keras.layers.TextVectorization(output_sequence_length=5, vocabulary=["the", "cat"])(text)
    hidden = keras.layers.Embedding(10, 4, mask_zero=True)(ids)
    hidden = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))(hidden)
    hidden = keras.layers.MultiHeadAttention(2, 2)(hidden, hidden)
    hidden = keras.layers.LayerNormalization()(keras.layers.GRU(4)(hidden))
    model = keras.Model(text, keras.layers.Dense(2, "softmax")(hidden))
    model.export(str(tmp_path / "1"), verbose=False)
    allowed.check(tmp_path / "1")


def test_a_model_of_pictures_passes(tmp_path):
    layers = [
        keras.Input((16, 16, 3)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Resizing(8, 8),
        keras.layers.Conv2D(4, 3, padding="same"),
        keras.layers.BatchNormalization(),
        keras.layers.DepthwiseConv2D(3),
        keras.layers.MaxPooling2D(),
        keras.layers.Dropout(0.5),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(2, "gelu"),
    ]
    keras.Sequential(layers).export(str(tmp_path / "1"), verbose=False)
    allowed.check(tmp_path / "1")


# The saver.


def test_every_model_has_a_saver(half):
    """What the tests below turn against the server is there, and is allowed where it is."""
    graph = read(half).meta_graphs[0]
    ops = {one.op for part in ("traced_save", "traced_restore") for one in function(graph, part).node_def}
    assert {"SaveV2", "MergeV2Checkpoints", "ShardedFilename", "RestoreV2"} <= ops
    assert graph.saver_def.filename_tensor_name == "saver_filename:0"


@pytest.mark.parametrize("op", ["SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename"])
def test_a_signature_may_not_save_or_restore(op, tmp_path):
    def use(text):
        raw, name = tf.raw_ops, text[0]
        if op == "SaveV2":
            saved = raw.SaveV2(prefix=name, tensor_names=["x"], shape_and_slices=[""], tensors=[tf.constant(1.0)])
        elif op == "MergeV2Checkpoints":
            saved = raw.MergeV2Checkpoints(checkpoint_prefixes=text, destination_prefix=name)
        elif op == "ShardedFilename":
            return raw.ShardedFilename(basename=name, shard=0, num_shards=1)[None]
        else:
            restored = raw.RestoreV2(prefix=name, tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32])
            return tf.strings.as_string(restored[0])[None]
        with tf.control_dependencies([saved]):
            return tf.identity(text)

    module = tf.Module()
    module.use = tf.function(lambda text: {"text": use(text)}, input_signature=[STRINGS], autograph=False)
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"serving_default": module.use})
    with pytest.raises(InputError, match=f"its graph holds {op}, which"):
        allowed.check(tmp_path / "1")


def answer_with_save(graph):
    graph.signature_def["serving_default"].outputs["y"].name = graph.saver_def.save_tensor_name


def take_in_restored(graph):
    graph.signature_def["serving_default"].inputs["x"].name = f"{graph.saver_def.restore_op_name}:0"


def save_as_a_part_of_an_answer(graph):
    called = call(graph, "signature_wrapper").attr["f"].func.name
    saving = function(graph, "traced_save").signature.name
    function(graph, called).node_def[0].attr["hidden"].func.attr["deep"].list.func.add(name=saving)


def save_before_an_answer(graph):
    call(graph, "signature_wrapper").input.append(f"^{call(graph, 'traced_save').name}")


def save_in_place_of_an_answer(graph):
    for part in ("signature_wrapper", "traced_save"):
        function(graph, part).attr["api_implements"].s = b"same"


def save_as_the_default_of_an_attribute(graph):
    attribute = function(graph, "signature_wrapper").signature.attr.add(name="f", type="func")
    attribute.default_value.func.name = function(graph, "traced_save").signature.name


def save_as_gradient_of_an_answer(graph):
    graph.graph_def.library.gradient.add(
        function_name=call(graph, "signature_wrapper").attr["f"].func.name,
        gradient_func=function(graph, "traced_save").signature.name,
    )


def save_at_the_start(graph):
    start = graph.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"].name
    node(graph, start).input.append(f"^{call(graph, 'traced_save').name}")


def save_at_the_start_of_an_old_model(graph):
    del graph.signature_def["__saved_model_init_op"]
    graph.collection_def["legacy_init_op"].node_list.value.append(call(graph, "traced_save").name)


def save_when_restoring(graph):
    graph.saver_def.restore_op_name = call(graph, "traced_save").name


def save_for_nobody(graph):
    graph.graph_def.node.add(name="alone", op="SaveV2")


def save_in_a_function_of_nobody(graph):
    lonely = graph.graph_def.library.function.add()
    lonely.CopyFrom(function(graph, "traced_save"))
    lonely.signature.name = "lonely"


def test_saving_is_run_by_nothing(half):
    said = told(
        half,
        answer_with_save,
        save_as_a_part_of_an_answer,
        save_before_an_answer,
        save_in_place_of_an_answer,
        save_as_the_default_of_an_attribute,
        save_as_gradient_of_an_answer,
        save_at_the_start,
        save_at_the_start_of_an_old_model,
        save_when_restoring,
        save_for_nobody,
        save_in_a_function_of_nobody,
    )
    assert len(said) == 11 and all("SaveV2" in message for message in said.values()), said


def restore_a_file_of_its_own(graph):
    body = function(graph, "traced_restore")
    constant = body.node_def.add(name="elsewhere", op="Const")
    constant.attr["dtype"].type = tf.string.as_datatype_enum
    next(one for one in body.node_def if one.op == "RestoreV2").input[0] = "elsewhere:output:0"


def hand_another_file_to_restoring(graph):
    graph.graph_def.node.add(name="elsewhere", op="Const")
    call(graph, "traced_restore").input[0] = "elsewhere"


def restore_from_two_places(graph):
    another = graph.graph_def.node.add()
    another.CopyFrom(call(graph, "traced_restore"))
    another.name = "another"
    another.input[0] = "serving_default_x"


def restore_within_a_loop(graph):
    loop = graph.graph_def.node.add(name="loop", op="While", input=["saver_filename"])
    loop.attr["body"].func.name = function(graph, "traced_restore").signature.name


def an_argument_and_a_node_of_one_name(graph):
    """TensorFlow takes the argument; whoever took the node would think the name was handed down."""
    body = function(graph, "traced_restore")
    body.signature.input_arg[0].name = "given"
    body.node_def.add(name="file_prefix", op="Identity", input=["given"])
    body.signature.input_arg[1].name = "file_prefix"


def test_only_the_variables_of_the_folder_are_restored(half):
    said = told(
        half,
        take_in_restored,
        restore_a_file_of_its_own,
        hand_another_file_to_restoring,
        restore_from_two_places,
        restore_within_a_loop,
        an_argument_and_a_node_of_one_name,
    )
    assert len(said) == 6 and all("RestoreV2, which" in message for message in said.values()), said


def test_names_are_handed_down_unchanged(half):
    """The way of real models stays open: through calls and plain identities."""

    def edit(graph):
        body = function(graph, "traced_restore")
        body.node_def.add(name="same", op="Identity", input=["file_prefix"])
        next(one for one in body.node_def if one.op == "RestoreV2").input[0] = "same:output:0"

    change(half, edit)
    allowed.check(half)


def test_an_older_saver_passes(tmp_path):
    folder = toys.flat(tmp_path / "1")
    assert any(one.op == "SaveV2" for one in read(folder).meta_graphs[0].graph_def.node)
    allowed.check(folder)


def test_names_are_used_once(half):
    change(half, lambda graph: graph.graph_def.node.add(name="saver_filename", op="Const"))
    with pytest.raises(InputError, match="two nodes or functions are called 'saver_filename'"):
        allowed.check(half)


# Tables from files.


@pytest.fixture
def table(tmp_path):
    """A model that looks words up in a text file."""
    (tmp_path / "words.txt").write_text("cat\nmat\n")
    module = tf.Module()
    line, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    words = tf.lookup.TextFileInitializer(str(tmp_path / "words.txt"), tf.string, line, tf.int64, number)
    module.table, module.another = (tf.lookup.StaticHashTable(words, -1) for _ in range(2))

    @tf.function(input_signature=[STRINGS], autograph=False)
    def look_up(text):
        return {"id": module.table.lookup(text) + module.another.lookup(text)}

    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"serving_default": look_up})
    (tmp_path / "words.txt").unlink()
    return tmp_path / "1"


def test_a_table_may_be_filled_from_an_asset(table):
    assert [path.name for path in (table / "assets").iterdir()] == ["words.txt"]
    allowed.check(table)


def test_an_asset_lies_in_the_folder(table):
    for name in ("../../words.txt", "/etc/hostname", "a/../../../words.txt", "nul\0"):
        change(table, lambda graph, name=name: setattr(graph.asset_file_def[0], "filename", name))
        with pytest.raises(InputError, match="asset name .* leads out of the folder"):
            allowed.check(table)


def test_an_asset_is_no_link_that_leads_out(table, tmp_path):
    asset = table / "assets" / "words.txt"
    shutil.move(asset, tmp_path / "outside.txt")
    asset.symlink_to(tmp_path / "outside.txt")
    with pytest.raises(InputError, match="asset name 'words.txt' leads out of the folder"):
        allowed.check(table)


def test_an_older_list_of_assets_is_looked_at_as_well(table):
    def edit(graph):
        graph.asset_file_def[0].filename = "../../words.txt"
        graph.collection_def["saved_model_assets"].any_list.value.add().Pack(graph.asset_file_def[0])
        del graph.asset_file_def[:]

    change(table, edit)
    with pytest.raises(InputError, match="leads out of the folder"):
        allowed.check(table)


def no_asset(graph):
    del graph.asset_file_def[:]


def fill_before_an_answer(graph):
    """A request is given no assets: the name that the model holds would count."""
    call(graph, "signature_wrapper").input.append(f"^{call(graph, '_initializer').name}")


def fill_from_another_file(graph):
    graph.graph_def.node.add(name="elsewhere", op="Const")
    call(graph, "_initializer").input[0] = "elsewhere"


def the_variable_of_the_name(graph):
    return next(one for one in graph.graph_def.node if one.op == "VarHandleOp")


def assign_another_file(graph):
    graph.graph_def.node.add(name="elsewhere", op="Const")
    variable = the_variable_of_the_name(graph).name
    graph.graph_def.node.add(name="assign", op="AssignVariableOp", input=[variable, "elsewhere"])


def hand_the_variable_to_a_function(graph):
    call(graph, "traced_restore").input.append(the_variable_of_the_name(graph).name)


def name_the_variable_again(graph):
    another = function(graph, "traced_restore").node_def.add(name="another", op="VarHandleOp")
    another.attr["shared_name"].CopyFrom(the_variable_of_the_name(graph).attr["shared_name"])


def name_a_variable_only_when_it_runs(graph):
    function(graph, "traced_restore").node_def.add(name="another", op="VarHandleOp")


def forge_the_variable(graph):
    forged = graph.graph_def.node.add(name="forged", op="Const")
    forged.attr["dtype"].type = tf.resource.as_datatype_enum


def fill_never(graph):
    del graph.signature_def["__saved_model_init_op"]
    del graph.collection_def["saved_model_main_op"]


def test_a_table_is_filled_from_nothing_else(table):
    said = told(
        table,
        no_asset,
        fill_before_an_answer,
        fill_from_another_file,
        fill_never,
        assign_another_file,
        hand_the_variable_to_a_function,
        name_the_variable_again,
        name_a_variable_only_when_it_runs,
        forge_the_variable,
    )
    assert len(said) == 9 and all(
        "holds InitializeTableFromTextFileV2, which" in message for message in said.values()
    ), said


# The file itself.


def test_a_file_that_is_none(tmp_path, half, monkeypatch):
    with pytest.raises(InputError, match="nowhere: there is no such folder"):
        allowed.check(tmp_path / "nowhere")
    path = half / allowed.NAME
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="saved_model.pb: it is damaged"):
        allowed.check(half)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="saved_model.pb: there is no graph in it"):
        allowed.check(half)
    path.write_bytes(whole)
    monkeypatch.setattr(allowed, "_LARGEST", len(whole))
    allowed.check(half)
    monkeypatch.setattr(allowed, "_LARGEST", len(whole) - 1)
    with pytest.raises(InputError, match="saved_model.pb: it is too large"):
        allowed.check(half)
    path.unlink()
    with pytest.raises(InputError, match="there is no saved_model.pb in it"):
        allowed.check(half)
    path.mkdir()
    with pytest.raises(InputError, match="it cannot be read"):
        allowed.check(half)


@pytest.mark.parametrize("other", ["saved_model.pbtxt", "saved_model.cpb"])
def test_no_second_model_beside(half, other):
    (half / other).symlink_to(half / "not_yet")
    with pytest.raises(InputError, match=f"{other}: a second model in the same folder"):
        allowed.check(half)


def test_a_graph_that_refers_to_nothing(half):
    """Names that lead nowhere, and ops without inputs, are refused by TensorFlow; here they must only not be let in."""

    def edit(graph):
        graph.saver_def.save_tensor_name = graph.saver_def.restore_op_name = "nowhere:0"
        graph.graph_def.node.add(name="same", op="Identity")
        graph.graph_def.node.add(name="around", op="Identity", input=["around"])
        call(graph, "traced_restore").input[:] = ["same"]
        call(graph, "traced_save").input[:] = ["around"]

    change(half, edit)
    with pytest.raises(InputError, match="holds MergeV2Checkpoints, RestoreV2, SaveV2, ShardedFilename, which"):
        allowed.check(half)


def test_a_list_of_assets_that_is_none(half):
    def edit(graph):
        packed = graph.collection_def["saved_model_assets"].any_list.value.add()
        packed.type_url, packed.value = "type.googleapis.com/tensorflow.AssetFileDef", b"\xff"

    change(half, edit)
    with pytest.raises(InputError, match="saved_model.pb: it is damaged"):
        allowed.check(half)


def test_a_graph_for_training_is_looked_at_too(half):
    model = read(half)
    model.meta_graphs.add().graph_def.node.add(name="write", op="WriteFile")
    (half / allowed.NAME).write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="WriteFile"):
        allowed.check(half)


def test_a_large_graph_is_looked_at_in_no_time(half):
    """Functions that call functions: every path is walked once."""

    def edit(graph):
        library = graph.graph_def.library
        for number in range(300):
            one = library.function.add()
            one.signature.name = f"f{number}"
            one.signature.input_arg.add(name="file")
            for side in ("left", "right"):
                inner = one.node_def.add(name=side, op="PartitionedCall", input=["file"])
                inner.attr["f"].func.name = f"f{number + 1}"
        last = library.function.add()
        last.signature.name = "f300"
        last.signature.input_arg.add(name="file")
        last.node_def.add(name="read", op="RestoreV2", input=["file"])
        first = graph.graph_def.node.add(name="first", op="PartitionedCall", input=["saver_filename"])
        first.attr["f"].func.name = "f0"
        node(graph, graph.saver_def.restore_op_name).input.append("^first")

    change(half, edit)
    allowed.check(half)


def test_what_xla_would_compile_is_served_only_if_asked_for(tmp_path):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")], jit_compile=True)
    def double(x):
        return {"y": x * 2}

    module = tf.Module()
    module.double = double
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"serving_default": double})
    with pytest.raises(InputError, match="jit_compile"):
        allowed.check(tmp_path / "1")
    allowed.check(tmp_path / "1", frozenset({allowed.COMPILED}))
