"""Write `knowledge/embedding/minilm.onnx`: the computation of all-MiniLM-L6-v2, without its weights.

The weights stay where the model's package put them: every tensor of the graph names its byte range inside
`model.safetensors`, so the graph is about 20 kB and all processes share one mapped copy of the weights.

Matrix products are `Gemm` with a transposed second operand, because that is how the file stores the weights: a
`Transpose` would be folded at load into a private copy. Needs the `onnx` package, which the product does not:

    python -m benchmarks.embedding_graph model.safetensors
"""

import argparse
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

WIDTH, HEADS, LAYERS = 384, 12, 6
TARGET = Path(__file__).parent.parent / "knowledge" / "embedding" / "minilm.onnx"


class Graph:
    """Nodes and weights collected in the order in which they are used."""

    def __init__(self, weights: Path) -> None:
        with weights.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            self.header: dict[str, Any] = json.loads(file.read(length))
        self.base = 8 + length
        self.nodes: list[NodeProto] = []
        self.tensors: dict[str, TensorProto] = {}

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: Any) -> str:
        self.tensors[name] = numpy_helper.from_array(np.asarray(value), name)
        return name

    def weight(self, name: str) -> str:
        """A tensor that points into the weights file (`external_data` of the ONNX specification)."""
        begin, end = self.header[name]["data_offsets"]
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
        tensor.dims.extend(self.header[name]["shape"])
        place = {"location": "model.safetensors", "offset": self.base + begin, "length": end - begin}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        self.tensors[name] = tensor
        return name

    def linear(self, x: str, module: str, output: str) -> str:
        return self.add("Gemm", [x, self.weight(f"{module}.weight"), self.weight(f"{module}.bias")], output, transB=1)

    def norm(self, x: str, module: str, output: str) -> str:
        scale, bias = self.weight(f"{module}.weight"), self.weight(f"{module}.bias")
        return self.add("LayerNormalization", [x, scale, bias], output, epsilon=1e-12, axis=-1)


def add_embeddings(graph: Graph) -> str:
    """Word + position + type embeddings, normalised: `[B*S, 384]`."""
    words = graph.add("Gather", [graph.weight("embeddings.word_embeddings.weight"), "input_ids"], "words")
    graph.add("Shape", [words], "shape")
    graph.add("Shape", ["input_ids"], "length", start=1, end=2)
    positions = graph.weight("embeddings.position_embeddings.weight")
    zero, flat = graph.constant("zero", np.array([0])), graph.constant("flat", np.array([-1, WIDTH]))
    graph.add("Slice", [positions, zero, "length", zero], "positions")
    types = graph.weight("embeddings.token_type_embeddings.weight")
    graph.add("Gather", [types, graph.constant("first", np.array(0))], "type")
    graph.add("Add", [graph.add("Add", [words, "positions"], "placed"), "type"], "summed")
    return graph.add("Reshape", [graph.norm("summed", "embeddings.LayerNorm", "x_"), flat], "x")


def add_layer(graph: Graph, x: str, number: int) -> str:
    """One encoder layer of BERT (arXiv:1810.04805): self-attention and feed-forward, each with residual and norm."""
    module, name = f"encoder.layer.{number}", f"l{number}_"
    heads = []
    for part in ("query", "key", "value"):
        rows = graph.linear(x, f"{module}.attention.self.{part}", f"{name}{part}_")
        heads.append(graph.add("Reshape", [rows, "shape"], name + part))
    context = name + "context"
    inputs = [*heads, "", "mask"]
    graph.add("MultiHeadAttention", inputs, context + "_", domain="com.microsoft", num_heads=HEADS)
    graph.add("Reshape", [context + "_", "flat"], context)
    attended = graph.linear(context, f"{module}.attention.output.dense", name + "attended")
    graph.add("Add", [attended, x], name + "sum1")
    middle = graph.norm(name + "sum1", f"{module}.attention.output.LayerNorm", name + "middle")
    inner = graph.add("Gelu", [graph.linear(middle, f"{module}.intermediate.dense", name + "inner")], name + "gelu")
    graph.add("Add", [graph.linear(inner, f"{module}.output.dense", name + "outer"), middle], name + "sum2")
    return graph.norm(name + "sum2", f"{module}.output.LayerNorm", f"{name}out")


def add_pooling(graph: Graph, states: str) -> None:
    """`embedding`: the mean over all tokens (CLS and SEP included), to unit length: `[B, 384]`."""
    first, last = graph.constant("axis1", np.array([1])), graph.constant("axis2", np.array([-1]))
    graph.add("Unsqueeze", [graph.add("Cast", ["mask"], "kept", to=TensorProto.FLOAT), last], "kept3")
    graph.add("ReduceSum", [graph.add("Mul", [states, "kept3"], "masked"), first], "total", keepdims=0)
    graph.add("ReduceL2", ["total", last], "norm", keepdims=1)
    graph.add("Max", ["norm", graph.constant("tiny", np.float32(1e-12))], "safe")
    graph.add("Div", ["total", "safe"], "embedding")


def build(weights: Path) -> ModelProto:
    """The whole graph: `input_ids`, `attention_mask` int64 [B, S] to `embedding`, `layer5`, `layer6`."""
    graph = Graph(weights)
    graph.add("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    x = add_embeddings(graph)
    for number in range(LAYERS):
        x = add_layer(graph, x, number)
        if number >= LAYERS - 2:
            graph.add("Reshape", [x, "shape"], f"layer{number + 1}")
    add_pooling(graph, "layer6")
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["B", "S"]) for n in ("input_ids", "attention_mask")]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", WIDTH])]
    outputs += [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["B", "S", WIDTH]) for n in ("layer5", "layer6")]
    whole = helper.make_graph(graph.nodes, "minilm", inputs, outputs, list(graph.tensors.values()))
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(whole, opset_imports=opsets, ir_version=9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    TARGET.write_bytes(build(parser.parse_args().weights).SerializeToString())


if __name__ == "__main__":
    main()
