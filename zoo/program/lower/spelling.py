"""What operations are called in older programs, and where they have their inputs and attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Form:
    """One operation.

    Attributes:
        name: Its name in PIR.
        inputs: For each input of PIR the places to look for it, the first one given counts: `X` a slot, `X[]` a slot
            with a list, `=axis` an attribute, `-` nothing.
        outputs: Slots of the outputs; `Out[]` holds a list.
        renamed: Attributes of PIR whose names differ here.
    """

    name: str
    inputs: tuple[str, ...] = ("X",)
    outputs: str = "Out"
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])


def holds_types(attribute: str) -> bool:
    """Whether an attribute is the number of an element type here and its name in PIR."""
    return attribute == "dtype"


_LAYOUT = {"data_format": "data_layout"}
_DIM = {"axis": "dim", "keepdim": "keep_dim"}
#: Operations of one tensor that are called the same.
_SAME = """
abs acos asin atan ceil cos cosh erf exp floor log log1p log2 log10 reciprocal round rsqrt sigmoid sign sin sinh
sqrt square tan tanh relu relu6 silu gelu mish softplus softsign elu selu celu logsigmoid tanh_shrink softmax
log_softmax logical_not share_data assign pixel_shuffle isfinite_v2 isnan_v2 isinf_v2
"""
_NAMES = {"share_data": "share_data_", "isfinite_v2": "isfinite", "isnan_v2": "isnan", "isinf_v2": "isinf"}
_TWO = {
    "elementwise_add": "add",
    "elementwise_sub": "subtract",
    "elementwise_mul": "multiply",
    "elementwise_div": "divide",
    "elementwise_max": "maximum",
    "elementwise_min": "minimum",
    "elementwise_pow": "elementwise_pow",
    "elementwise_mod": "remainder",
    "elementwise_floordiv": "floor_divide",
    "equal": "equal",
    "not_equal": "not_equal",
    "less_than": "less_than",
    "less_equal": "less_equal",
    "greater_than": "greater_than",
    "greater_equal": "greater_equal",
    "logical_and": "logical_and",
    "logical_or": "logical_or",
    "logical_xor": "logical_xor",
    "bmm": "bmm",
}
_REDUCTIONS = {f"reduce_{name}": name for name in ("mean", "sum", "max", "min", "prod", "any", "all")}
_RESIZES = ("bilinear", "nearest", "bicubic", "linear", "trilinear")
#: Forms by the name in older programs.
FORMS: dict[str, Form] = {
    **{name: Form(_NAMES.get(name, name)) for name in _SAME.split()},
    **{old: Form(name, ("X", "Y")) for old, name in _TWO.items()},
    **{old: Form(name, ("X",), renamed=_DIM) for old, name in _REDUCTIONS.items()},
    **{
        f"{name}_interp_v2": Form(f"{name}_interp", ("X", "OutSize -", "SizeTensor[] -", "Scale -"), renamed=_LAYOUT)
        for name in _RESIZES
    },
    **{name: Form(name, ("Input", "Filter"), "Output") for name in ("conv2d", "depthwise_conv2d", "conv3d")},
    **{
        name: Form(name, ("Input", "Filter", "=output_size"), "Output")
        for name in ("conv2d_transpose", "depthwise_conv2d_transpose")
    },
    "feed": Form("data", ()),
    "fetch": Form("fetch", ("X",), ""),
    "batch_norm": Form("batch_norm", ("X", "Mean", "Variance", "Scale", "Bias"), "Y", renamed=_LAYOUT),
    "layer_norm": Form("layer_norm", ("X", "Scale -", "Bias -"), "Y"),
    "instance_norm": Form("instance_norm", ("X", "Scale -", "Bias -"), "Y"),
    "group_norm": Form("group_norm", ("X", "Scale -", "Bias -"), "Y", renamed=_LAYOUT),
    "hard_swish": Form("hardswish"),
    "hard_sigmoid": Form("hardsigmoid"),
    "hard_shrink": Form("hardshrink"),
    "softshrink": Form("softshrink", renamed={"threshold": "lambda"}),
    "leaky_relu": Form("leaky_relu", renamed={"negative_slope": "alpha"}),
    "brelu": Form("hardtanh"),
    "swish": Form("swish"),
    "prelu": Form("prelu", ("X", "Alpha")),
    "pool2d": Form("pool2d", ("X", "=ksize")),
    "max_pool2d_with_index": Form("max_pool2d_with_index", ("X",), "Out Mask", renamed={"kernel_size": "ksize"}),
    "scale": Form("scale", ("X", "ScaleTensor -")),
    "pow": Form("pow", renamed={"y": "factor"}),
    "clip": Form("clip", ("X", "Min =min", "Max =max")),
    "sum": Form("add_n", ("X[]",)),
    "transpose2": Form("transpose", renamed={"perm": "axis"}),
    "reshape2": Form("reshape", ("X", "ShapeTensor[] Shape =shape")),
    "flatten_contiguous_range": Form("flatten"),
    "unsqueeze2": Form("unsqueeze", ("X", "AxesTensorList[] AxesTensor =axes")),
    "squeeze2": Form("squeeze", ("X", "=axes")),
    "concat": Form("concat", ("X[]", "AxisTensor =axis")),
    "stack": Form("stack", ("X[]",), "Y"),
    "unstack": Form("unstack", ("X",), "Y[]"),
    "unbind": Form("unbind", ("X",), "Out[]"),
    "split": Form(
        "split",
        ("X", "SectionsTensorList[] =sections", "AxisTensor =axis"),
        "Out[]",
        renamed={"num_or_sections": "sections"},
    ),
    "slice": Form("slice", ("Input", "StartsTensorList[] StartsTensor =starts", "EndsTensorList[] EndsTensor =ends")),
    "strided_slice": Form(
        "strided_slice",
        (
            "Input",
            "StartsTensorList[] StartsTensor =starts",
            "EndsTensorList[] EndsTensor =ends",
            "StridesTensorList[] StridesTensor =strides",
        ),
    ),
    "expand_v2": Form("expand", ("X", "expand_shapes_tensor[] Shape =shape")),
    "expand_as_v2": Form("expand_as", ("X", "Y")),
    "tile": Form("tile", ("X", "repeat_times_tensor[] RepeatTimes =repeat_times")),
    "shape": Form("shape", ("Input",)),
    "cast": Form("cast", renamed={"dtype": "out_dtype"}),
    "fill_constant": Form("full", ()),
    "fill_constant_batch_size_like": Form("full_batch_size_like", ("Input",)),
    "fill_any_like": Form("full_like", ("X", "=value")),
    "assign_value": Form("assign_value", ()),
    "range": Form("arange", ("Start", "End", "Step")),
    "arg_max": Form("argmax", ("X", "=axis")),
    "arg_min": Form("argmin", ("X", "=axis")),
    "matmul_v2": Form("matmul", ("X", "Y"), renamed={"transpose_x": "trans_x", "transpose_y": "trans_y"}),
    "logsumexp": Form("logsumexp"),
    "p_norm": Form("p_norm"),
    "pad3d": Form("pad3d", ("X", "Paddings =paddings"), renamed={"pad_value": "value"}),
    "pad": Form("pad", ("X",)),
    "gather": Form("gather", ("X", "Index", "Axis =axis")),
    "gather_nd": Form("gather_nd", ("X", "Index")),
    "index_select": Form("index_select", ("X", "Index"), renamed={"axis": "dim"}),
    "take_along_axis": Form("take_along_axis", ("Input", "Index"), "Result", renamed={"axis": "Axis"}),
    "lookup_table_v2": Form("embedding", ("Ids", "W")),
    "one_hot_v2": Form("one_hot", ("X", "depth_tensor =depth")),
    "top_k_v2": Form("topk", ("X", "K =k"), "Out Indices"),
    "argsort": Form("argsort", ("X",), "Out Indices"),
    "cumsum": Form("cumsum", ("X", "=axis")),
    "where": Form("where", ("Condition", "X", "Y")),
    "roll": Form("roll", ("X", "ShiftsTensor =shifts")),
    "flip": Form("flip"),
    "meshgrid": Form("meshgrid", ("X[]",), "Out[]"),
    "dropout": Form("dropout", ("X", "-", "=dropout_prob"), "Out", renamed={"mode": "dropout_implementation"}),
}
