"""The graph of a SavedModel as a program: which of its nodes and functions run when others are run."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tensorflow.core.framework.attr_value_pb2 import AttrValue
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.framework.types_pb2 import DataType
from tensorflow.core.protobuf.meta_graph_pb2 import AssetFileDef, MetaGraphDef, SignatureDef

from seq2seq_keras.errors import InputError

STARTS = "__saved_model_init_op"
"""Signature that is run once, after loading."""
TRAINS = "__saved_model_train_op"
_STARTS = "saved_model_main_op legacy_init_op".split()
"""Collections that older models name the same in."""
_ASSETS = "saved_model_assets"
_COMPILES = "_XlaMustCompile"
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
"""Ops that hand their inputs to a function as they are."""


class Place(NamedTuple):
    """Where an op is: a node of the graph, or the body of a function, which runs as a whole."""

    function: bool
    name: str


class Program:
    """One meta graph, read only.

    Args:
        graph: to look at.
        where: of it, for messages.

    Raises:
        InputError: two of its nodes or functions have the same name.
    """

    def __init__(self, graph: MetaGraphDef, where: Path):
        self._graph = graph
        self._nodes = _by_name(graph.graph_def.node, lambda node: node.name, where)
        self._functions = _by_name(graph.graph_def.library.function, lambda one: one.signature.name, where)
        self._bodies = {
            name: _by_name(one.node_def, lambda node: node.name, where) for name, one in self._functions.items()
        }
        self._uses = defaultdict(set)  # place to the functions that it names
        self._users = defaultdict(list)  # function to the places, and their nodes, that name it
        for place, node in self.nodes():
            for name in _names(node.attr.values()) | {node.op}:
                self._link(place, name, node)
        for name, one in self._functions.items():
            defaults = [attribute.default_value for attribute in one.signature.attr]
            for other in _names([*one.attr.values(), *defaults]):
                self._link(Place(True, name), other)
        for gradient in graph.graph_def.library.gradient:
            self._link(Place(True, gradient.function_name), gradient.gradient_func)
        self._link_alike()

    @property
    def answers(self) -> list[str]:
        """Tensors that a request can give or ask for."""
        signatures = self._graph.signature_def.items()
        return [tensor for name, signature in signatures if name != STARTS for tensor in _tensors(signature)]

    @property
    def starts(self) -> list[str]:
        """What runs once after loading."""
        collections = self._graph.collection_def
        named = [name for key in _STARTS if key in collections for name in collections[key].node_list.value]
        signatures = self._graph.signature_def
        return named + (list(_tensors(signatures[STARTS])) if STARTS in signatures else [])

    @property
    def save(self) -> str:
        return self._graph.saver_def.save_tensor_name

    @property
    def restore(self) -> str:
        return self._graph.saver_def.restore_op_name

    @property
    def filename(self) -> str:
        """Tensor that the name of the checkpoint is fed to."""
        return _whole(self._graph.saver_def.filename_tensor_name)

    @property
    def assets(self) -> list[tuple[str, str]]:
        """Tensors that names of files are fed to at the start, and those names below `assets`."""
        assets = list(self._graph.asset_file_def)
        if _ASSETS in self._graph.collection_def:
            for packed in self._graph.collection_def[_ASSETS].any_list.value:
                assets.append(asset := AssetFileDef())
                packed.Unpack(asset)
        return [(_whole(asset.tensor_info.name), asset.filename) for asset in assets]

    @property
    def is_compiled(self) -> bool:
        """Whether anything in it asks for XLA."""
        attributes = [one.attr for one in self._functions.values()] + [node.attr for _, node in self.nodes()]
        return any(_COMPILES in one and one[_COMPILES].b for one in attributes)

    def nodes(self) -> Iterator[tuple[Place, NodeDef]]:
        """Every node there is, with its place."""
        for node in self._graph.graph_def.node:
            yield Place(False, node.name), node
        for name, one in self._functions.items():
            for node in one.node_def:
                yield Place(True, name), node

    def reached(self, tensors: Iterable[str]) -> set[Place]:
        """All that may run when these tensors are asked for."""
        waiting = [Place(False, _node(tensor)) for tensor in tensors]
        found = set()
        while waiting:
            place = waiting.pop()
            if place in found:
                continue
            found.add(place)
            waiting.extend(Place(True, name) for name in self._uses.get(place, ()))
            if not place.function and place.name in self._nodes:
                waiting.extend(Place(False, _node(name)) for name in self._nodes[place.name].input)
        return found

    def given(self, place: Place, node: NodeDef, position: int, sources: set[str]) -> bool:
        """Whether an input of a node is one of these tensors of the graph, handed down by plain calls and unchanged."""
        if position >= len(node.input):
            return False
        waiting, seen = [(place, node.input[position])], set()
        while waiting:
            place, tensor = step = waiting.pop()
            if step in seen or (not place.function and _whole(tensor) in sources):
                continue
            seen.add(step)
            before = self._before(place, tensor)
            if not before:
                return False
            waiting.extend(before)
        return True

    def _before(self, place: Place, tensor: str) -> list[tuple[Place, str]]:
        """Where else the same value is, one step nearer to its source; empty if it is made here."""
        name = _node(tensor)
        nodes = self._bodies[place.name] if place.function else self._nodes
        arguments = self._functions[place.name].signature.input_arg if place.function else ()
        positions = [position for position, argument in enumerate(arguments) if argument.name == name]
        if name in nodes:
            # A node with the name of an argument: TensorFlow may take the one for the other.
            return [] if positions else self._kept(place, nodes[name])
        # An argument that stands for several tensors would move those after it.
        several = any(argument.number_attr or argument.type_list_attr for argument in arguments)
        return [] if several or len(positions) != 1 else self._handed(place.name, positions[0])

    def _kept(self, place: Place, node: NodeDef) -> list[tuple[Place, str]]:
        """What a node hands on as it is."""
        if node.op == "Identity" and node.input:
            return [(place, node.input[0])]
        if node.op == "ReadVariableOp" and node.input and not place.function:
            return [(place, value) for value in self._assigned(node.input[0])]
        return []

    def _handed(self, function: str, position: int) -> list[tuple[Place, str]]:
        """What every user of a function hands to it at this position; empty if one is no plain call."""
        handed = []
        for place, node in self._users[function]:
            plain = node is not None and node.op in _CALLS and node.attr["f"].func.name == function
            if not plain or position >= len(node.input):
                return []
            handed.append((place, node.input[position]))
        return handed

    def _assigned(self, handle: str) -> list[str]:
        """All that a variable of the graph can hold; empty if that cannot be told."""
        variable = self._nodes.get(_node(handle))
        if variable is None or variable.op != "VarHandleOp" or self._forged:
            return []
        names = [_variable(place, node) for place, node in self.nodes() if node.op == variable.op]
        if "" in names or names.count(_variable(Place(False, variable.name), variable)) != 1:
            return []
        values = []
        for user in self._nodes.values():
            if not any(_node(given) == variable.name for given in user.input if not given.startswith("^")):
                continue
            if user.op == "AssignVariableOp" and len(user.input) > 1:
                values.append(user.input[1])
            elif user.op not in ("ReadVariableOp", "VarIsInitializedOp"):
                return []
        return values

    @property
    def _forged(self) -> bool:
        """A constant that stands for a variable, past the one op that makes them."""
        resource = DataType.DT_RESOURCE
        return any(
            resource in (attribute.type, attribute.tensor.dtype)
            for _, node in self.nodes()
            if node.op == "Const"
            for attribute in node.attr.values()
        )

    def _link(self, place: Place, name: str, node: NodeDef | None = None) -> None:
        if name in self._functions:
            self._uses[place].add(name)
            self._users[name].append((place, node))

    def _link_alike(self) -> None:
        """TensorFlow may put a function in the place of another that says it implements the same."""
        alike = defaultdict(list)
        for name, one in self._functions.items():
            if "api_implements" in one.attr:
                alike[one.attr["api_implements"].s].append(name)
        for names in alike.values():
            for one, other in zip(names, names[1:] + names[:1], strict=True):
                self._link(Place(True, one), other)


def _by_name(things, name_of, where: Path) -> dict:
    named = {}
    for thing in things:
        name = name_of(thing)
        if name in named:
            raise InputError(f"two nodes or functions are called {name!r}", where=where)
        named[name] = thing
    return named


def _names(attributes: Iterable[AttrValue]) -> set[str]:
    """Everything in attributes that could be the name of a function, however deep."""
    names = set()
    for attribute in attributes:
        for text in [attribute.s, *attribute.list.s]:
            names.add(text.decode("utf-8", "replace"))
        for called in [attribute.func, *attribute.list.func]:
            names.add(called.name)
            names |= _names(called.attr.values())
    return names


def _tensors(signature: SignatureDef) -> Iterator[str]:
    """Every tensor that a signature names, of whatever encoding."""
    for info in [*signature.inputs.values(), *signature.outputs.values()]:
        sparse = info.coo_sparse
        yield from (info.name, sparse.values_tensor_name, sparse.indices_tensor_name, sparse.dense_shape_tensor_name)
        yield from _components(info)


def _components(info) -> Iterator[str]:
    for component in info.composite_tensor.components:
        yield component.name
        yield from _components(component)


def _node(tensor: str) -> str:
    """`^name` and `name:0` to `name`."""
    return tensor.removeprefix("^").partition(":")[0]


def _variable(place: Place, node: NodeDef) -> str:
    """Name of a variable: two ops of one name have one variable. Empty if it is known only when it runs."""
    return node.attr["shared_name"].s.decode("utf-8", "replace") or ("" if place.function else node.name)


def _whole(tensor: str) -> str:
    """`name` to `name:0`."""
    return tensor if ":" in tensor else f"{tensor}:0"
