"""An engine: ONNX programs, run by onnxruntime."""

from importlib.metadata import PackageNotFoundError, version

from zoo.plugin import Backend, DeviceUnavailableError, Facts, Probe, hookimpl


class OnnxSession:
    """One program. onnxruntime may be called from several threads at once."""

    parallel = True

    def __init__(self, program, request):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = request.threads
        placed = request.device.place("onnxruntime", request.index)
        providers = placed.get("providers", ["CPUExecutionProvider"])
        names = [each if isinstance(each, str) else each[0] for each in providers]
        if missing := set(names) - set(onnxruntime.get_available_providers()):
            # onnxruntime itself would go on on the processor.
            raise DeviceUnavailableError("onnxruntime has no {names:, }", "Use device='cpu'", names=sorted(missing))
        self._session = onnxruntime.InferenceSession(str(program.path), options, providers=providers)
        setting = f"threads: {request.threads}"
        self.facts = Facts("tiny-onnx", onnxruntime.__version__, setting, "float32", request.device_name)

    def run(self, batch):
        return self._session.run(None, {self._session.get_inputs()[0].name: batch})[0]

    def close(self):
        self._session = None


class TinyOnnx(Backend):
    """What zoo asks and calls. Nothing is imported before a program is opened."""

    name = "tiny-onnx"
    api = 1

    def supports(self, device, program):
        try:
            found = version("onnxruntime")
        except PackageNotFoundError:
            return Probe(0, "onnxruntime is not installed", install="pip install onnxruntime")
        if device.kind != "cpu" and not device.place("onnxruntime", 0).get("providers"):
            return Probe(0, f"the device {device.kind} names no provider of onnxruntime")
        if program is not None and program.path.suffix != ".onnx":
            return Probe(0, f"it opens .onnx, not {program.path.name}")
        return Probe(1, names=(f"onnxruntime {found}",))

    def open(self, program, request):
        return OnnxSession(program, request)


@hookimpl
def zoo_backends():
    return [TinyOnnx()]
