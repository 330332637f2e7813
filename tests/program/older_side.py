"""Writes a program in paddle's older form with every operation that zoo reads there, and what paddle makes of it.

A process of its own, because the older form is a flag of the whole process:

    python tests/program/older_side.py FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.update(FLAGS_enable_pir_api="0")

import numpy as np
import paddle
from paddle.base.layer_helper import LayerHelper
from paddle.nn.initializer import Assign

RNG = np.random.default_rng(8)
FOLDER = Path(sys.argv[1])
#: Types of outputs that are none of floating-point numbers.
WHOLE, TRUE = "int64", "bool"
paddle.enable_static()


def parameter(*shape: int, low: float = -0.5) -> Any:
    value = RNG.uniform(low, low + 1, shape).astype(np.float32)
    return paddle.static.create_parameter(list(shape), "float32", default_initializer=Assign(value))


def numbers(*values: int) -> Any:
    return paddle.assign(np.array(values, np.int32))


def op(kind: str, inputs: dict[str, Any], *types: str, out: str = "Out", parts: int = 1, **attributes: Any) -> Any:
    """Adds one operation; `out` names the slots of its outputs, `types` their types, the last one for all others."""
    helper = LayerHelper(kind)
    slots = out.split()
    kinds = [*types, *["float32"] * len(slots)][: len(slots)]
    made = {
        slot: [helper.create_variable_for_type_inference(dtype) for _ in range(parts)]
        for slot, dtype in zip(slots, kinds, strict=True)
    }
    given = {slot: value if isinstance(value, list) else [value] for slot, value in inputs.items()}
    helper.append_op(type=kind, inputs=given, outputs=made, attrs=attributes)
    DONE.append([value for values in made.values() for value in values])
    return made[slots[0]][0]


DONE: list[list[Any]] = []


def write() -> None:
    x = paddle.static.data("x0", [None, 4, None, None], "float32")
    y = paddle.static.data("x1", [None, 4, None, None], "float32")
    for name in (
        "abs",
        "ceil",
        "cos",
        "cosh",
        "erf",
        "exp",
        "floor",
        "sigmoid",
        "sign",
        "sin",
        "sinh",
        "square",
        "tan",
        "tanh",
        "atan",
        "relu",
        "silu",
        "gelu",
    ):
        op(name, {"X": x})
    for name in ["log", "log1p", "log2", "log10", "reciprocal", "rsqrt", "sqrt"]:
        op(name, {"X": y})
    small = op("scale", {"X": op("tanh", {"X": x})}, scale=0.9, bias=0.0, bias_after_scale=True)
    op("acos", {"X": small})
    op("asin", {"X": small})
    op("round", {"X": x})
    op("mish", {"X": x}, threshold=20.0)
    op("relu6", {"X": x}, threshold=6.0)
    op("softplus", {"X": x}, beta=1.5, threshold=3.0)
    op("softsign", {"X": x})
    op("elu", {"X": x}, alpha=0.7)
    op("selu", {"X": x}, alpha=1.6, scale=1.1)
    op("celu", {"X": x}, alpha=1.3)
    op("logsigmoid", {"X": x})
    op("tanh_shrink", {"X": x})
    op("softmax", {"X": x}, axis=1)
    op("log_softmax", {"X": x}, axis=-1)
    op("hard_swish", {"X": x}, threshold=6.0, scale=6.0, offset=3.0)
    op("hard_sigmoid", {"X": x}, slope=0.2, offset=0.4)
    op("hard_shrink", {"X": x}, threshold=0.4)
    op("softshrink", {"X": x}, **{"lambda": 0.3})
    op("leaky_relu", {"X": x}, alpha=0.2)
    op("brelu", {"X": x}, t_min=-0.4, t_max=0.9)
    op("swish", {"X": x}, beta=1.0)
    op("prelu", {"X": x, "Alpha": parameter(4)}, mode="channel", data_format="NCHW")
    op("share_data", {"X": x})
    op("assign", {"X": x})
    op("pixel_shuffle", {"X": x}, upscale_factor=2, data_format="NCHW")
    for name in ("add", "sub", "mul", "div", "max", "min", "mod", "floordiv"):
        op(f"elementwise_{name}", {"X": x, "Y": y}, axis=-1)
    op("elementwise_pow", {"X": y, "Y": x}, axis=-1)
    op("elementwise_add", {"X": x, "Y": parameter(4)}, axis=1)
    for name in ("equal", "not_equal", "less_than", "less_equal", "greater_than", "greater_equal"):
        op(name, {"X": x, "Y": y}, TRUE)
    above, below = op("greater_than", {"X": x, "Y": y}, TRUE), op("less_than", {"X": x, "Y": y}, TRUE)
    for name in ("logical_and", "logical_or", "logical_xor"):
        op(name, {"X": above, "Y": below}, TRUE)
    op("logical_not", {"X": above}, TRUE)
    for name in ("isfinite_v2", "isnan_v2", "isinf_v2"):
        op(name, {"X": x}, TRUE)
    op("where", {"Condition": above, "X": x, "Y": y})
    for name in ("mean", "sum", "max", "min", "prod"):
        op(f"reduce_{name}", {"X": y}, dim=[2, 3], keep_dim=True, reduce_all=False)
        op(f"reduce_{name}", {"X": y[:1, :2, :2, :2]}, dim=[0], keep_dim=False, reduce_all=True)
    op("reduce_any", {"X": above}, TRUE, dim=[1], keep_dim=False, reduce_all=False)
    op("reduce_all", {"X": above}, TRUE, dim=[0], keep_dim=False, reduce_all=True)
    op("logsumexp", {"X": x}, axis=[1], keepdim=False, reduce_all=False)
    op("p_norm", {"X": x}, porder=2.0, axis=1, epsilon=1e-12, keepdim=True, asvector=False)
    op(
        "bmm",
        {
            "X": op("reshape2", {"X": x}, out="Out XShape", shape=[0, 4, -1]),
            "Y": op("reshape2", {"X": x}, out="Out XShape", shape=[0, -1, 4]),
        },
    )
    op("matmul_v2", {"X": x, "Y": y}, trans_x=False, trans_y=True)
    op("scale", {"X": x}, scale=0.5, bias=1.5, bias_after_scale=False)
    op("pow", {"X": y}, factor=1.5)
    op("clip", {"X": x}, min=-0.3, max=0.7)
    op("sum", {"X": [x, y, x]})
    op(
        "dropout",
        {"X": x},
        "float32",
        "uint8",
        out="Out Mask",
        dropout_prob=0.25,
        is_test=True,
        dropout_implementation="downgrade_in_infer",
    )
    shapes(x)
    layers(x)
    picks(x)
    save(x, y)


def shapes(x: Any) -> None:
    op("transpose2", {"X": x}, out="Out XShape", axis=[0, 2, 3, 1])
    op("flatten_contiguous_range", {"X": x}, out="Out XShape", start_axis=1, stop_axis=2)
    op("squeeze2", {"X": op("unsqueeze2", {"X": x}, out="Out XShape", axes=[1])}, out="Out XShape", axes=[1])
    op("concat", {"X": [x, x]}, axis=1)
    op("stack", {"X": [x, x]}, out="Y", axis=1)
    op("unstack", {"X": x}, out="Y", parts=4, axis=1, num=4)
    op("unbind", {"X": x}, parts=4, axis=1)
    op("split", {"X": x}, parts=2, axis=1, num=2, sections=[])
    op("split", {"X": x}, parts=2, axis=1, num=0, sections=[1, 3])
    sides = op("shape", {"Input": x}, "int32", out="Out")
    op("slice", {"Input": x}, axes=[1, 2], starts=[1, 0], ends=[3, -2], infer_flags=[1, 1], decrease_axis=[])
    half = op("slice", {"Input": sides}, "int32", axes=[0], starts=[2], ends=[3], infer_flags=[1], decrease_axis=[])
    op("strided_slice", {"Input": x}, axes=[2], starts=[1], ends=[9], strides=[3], infer_flags=[1], decrease_axis=[])
    op("expand_v2", {"X": x[:, :1]}, shape=[-1, 3, -1, -1])
    op("expand_as_v2", {"X": x[:, :1], "Y": x}, target_shape=[-1, 4, -1, -1])
    op("tile", {"X": x}, repeat_times=[1, 2, 1, 1])
    kind = paddle.base.core.VarDesc.VarType
    op("cast", {"X": x}, "int32", in_dtype=kind.FP32, out_dtype=kind.INT32)
    op("fill_constant", {}, shape=[2, 3], dtype=kind.FP32, value=1.5, str_value="1.5")
    op(
        "fill_constant_batch_size_like",
        {"Input": x},
        shape=[-1, 2],
        dtype=kind.FP32,
        value=2.5,
        input_dim_idx=0,
        output_dim_idx=0,
    )
    op("fill_any_like", {"X": x}, dtype=-1, value=0.5)
    op("range", {"Start": numbers(0), "End": half, "Step": numbers(2)}, "int32")
    DONE.append([paddle.assign(np.array([1.5, -2.5], np.float32)), paddle.assign(np.array([True, False]))])
    op("roll", {"X": x}, shifts=[2], axis=[2])
    op("flip", {"X": x}, axis=[3])
    op("meshgrid", {"X": [numbers(1, 2), numbers(3, 4, 5)]}, "int32", parts=2)
    op(
        "pad3d",
        {"X": op("unsqueeze2", {"X": x}, out="Out XShape", axes=[2])},
        paddings=[1, 2, 0, 1, 0, 0],
        mode="constant",
        value=0.5,
        data_format="NCDHW",
    )
    op("pad", {"X": x}, paddings=[0, 0, 1, 0, 0, 2, 0, 0], pad_value=0.25)


def layers(x: Any) -> None:
    base = {"strides": [2, 1], "dilations": [1, 1], "padding_algorithm": "EXPLICIT", "data_format": "NCHW"}
    op("conv2d", {"Input": x, "Filter": parameter(6, 2, 3, 3)}, out="Output", paddings=[1, 0], groups=2, **base)
    op(
        "depthwise_conv2d",
        {"Input": x, "Filter": parameter(4, 1, 3, 3)},
        out="Output",
        paddings=[1, 1],
        groups=4,
        **base,
    )
    more = {"output_padding": [], "output_size": []}
    op(
        "conv2d_transpose",
        {"Input": x, "Filter": parameter(4, 3, 3, 3)},
        out="Output",
        paddings=[1, 1],
        groups=1,
        **base,
        **more,
    )
    op(
        "depthwise_conv2d_transpose",
        {"Input": x, "Filter": parameter(4, 1, 3, 3)},
        out="Output",
        paddings=[1, 1],
        groups=4,
        **base,
        **more,
    )
    volume = op("unsqueeze2", {"X": x}, out="Out XShape", axes=[2])
    op(
        "conv3d",
        {"Input": volume, "Filter": parameter(2, 4, 1, 3, 3)},
        out="Output",
        strides=[1] * 3,
        dilations=[1] * 3,
        paddings=[0, 1, 1],
        groups=1,
        padding_algorithm="EXPLICIT",
        data_format="NCDHW",
    )
    pool = {
        "ksize": [3, 3],
        "strides": [2, 2],
        "paddings": [1, 1],
        "ceil_mode": False,
        "global_pooling": False,
        "adaptive": False,
    }
    for kind in ("max", "avg"):
        op(
            "pool2d",
            {"X": x},
            pooling_type=kind,
            exclusive=True,
            data_format="NCHW",
            padding_algorithm="EXPLICIT",
            **pool,
        )
    op("max_pool2d_with_index", {"X": x}, "float32", "int32", out="Out Mask", **pool)
    DONE.append([paddle.static.nn.batch_norm(x, is_test=True)])
    fixed = op("pool2d", {"X": x}, pooling_type="avg", **{**pool, "ksize": [2, 3], "adaptive": True})
    op(
        "layer_norm",
        {"X": fixed, "Scale": parameter(6), "Bias": parameter(6)},
        out="Y Mean Variance",
        epsilon=1e-5,
        begin_norm_axis=2,
    )
    op(
        "instance_norm",
        {"X": x, "Scale": parameter(4), "Bias": parameter(4)},
        out="Y SavedMean SavedVariance",
        epsilon=1e-5,
    )
    op(
        "group_norm",
        {"X": x, "Scale": parameter(4), "Bias": parameter(4)},
        out="Y Mean Variance",
        epsilon=1e-5,
        groups=2,
        data_layout="NCHW",
    )
    size = {"out_d": -1, "out_h": 7, "out_w": 5, "scale": [], "data_layout": "NCHW"}
    for kind in ("bilinear", "nearest", "bicubic"):
        op(f"{kind}_interp_v2", {"X": x}, interp_method=kind, align_corners=kind == "bicubic", align_mode=0, **size)
        op(
            f"{kind}_interp_v2",
            {"X": x, "OutSize": numbers(9, 11)},
            interp_method=kind,
            align_corners=False,
            align_mode=0,
            **size,
        )
    line = op("reshape2", {"X": x}, out="Out XShape", shape=[0, 4, -1])
    op("linear_interp_v2", {"X": line}, interp_method="linear", align_corners=False, align_mode=0, **size)
    op(
        "trilinear_interp_v2",
        {"X": volume},
        interp_method="trilinear",
        align_corners=False,
        align_mode=1,
        **{**size, "out_d": 2},
    )


def picks(x: Any) -> None:
    kind = paddle.base.core.VarDesc.VarType
    best = op("arg_max", {"X": x}, WHOLE, axis=1, keepdims=True, flatten=False, dtype=kind.INT64)
    op("arg_min", {"X": x}, WHOLE, axis=2, keepdims=False, flatten=False, dtype=kind.INT64)
    op("gather", {"X": x, "Index": numbers(2, 0)}, axis=1)
    op(
        "gather_nd",
        {
            "X": op("transpose2", {"X": x}, out="Out XShape", axis=[1, 0, 2, 3]),
            "Index": op("unsqueeze2", {"X": numbers(2, 0)}, "int32", out="Out XShape", axes=[1]),
        },
    )
    op("index_select", {"X": x, "Index": numbers(3, 1)}, dim=1)
    op("take_along_axis", {"Input": x, "Index": best}, out="Result", Axis=1)
    op("lookup_table_v2", {"Ids": best, "W": parameter(4, 3)}, padding_idx=-1)
    op("one_hot_v2", {"X": best}, depth=4, dtype=kind.FP32, allow_out_of_range=False)
    op("top_k_v2", {"X": x}, "float32", WHOLE, out="Out Indices", k=2, axis=1, largest=True, sorted=True)
    op("argsort", {"X": x}, "float32", WHOLE, out="Out Indices", axis=1, descending=True)
    op("cumsum", {"X": x}, axis=1, flatten=False, exclusive=False, reverse=False)


#: Outputs that hold nothing but what training needs, or memory nobody wrote to.
UNSAID = ("XShape", "MeanOut", "VarianceOut", "SavedMean", "SavedVariance", "Mask")


def save(x: Any, y: Any) -> None:
    executor = paddle.static.Executor(paddle.CPUPlace())
    executor.run(paddle.static.default_startup_program())
    wanted = [values[0] for values in DONE] + [value for values in DONE for value in values[1:] if asked(value)]
    paddle.static.save_inference_model(str(FOLDER / "inference"), [x, y], wanted, executor)
    for index, shape in enumerate(((2, 4, 13, 17), (1, 4, 10, 9))):
        given = {"x0": RNG.standard_normal(shape), "x1": np.abs(RNG.standard_normal(shape)) + 0.5}
        feed = {name: value.astype(np.float32) for name, value in given.items()}
        made = executor.run(paddle.static.default_main_program(), feed=feed, fetch_list=wanted)
        named = {f"out{number}": value for number, value in enumerate(made)}
        np.savez(FOLDER / f"{index}.npz", **feed, **named)


def asked(value: Any) -> bool:
    block = paddle.static.default_main_program().global_block()
    maker = next(item for item in block.ops if value.name in item.output_arg_names)
    slot = next(slot for slot in maker.output_names if value.name in maker.output(slot))
    return slot not in UNSAID and not (maker.type in ("layer_norm", "group_norm") and slot != "Y")


write()
