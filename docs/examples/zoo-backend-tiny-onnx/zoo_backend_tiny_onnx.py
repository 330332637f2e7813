"""An engine: programs of paddle, translated to ONNX, and ONNX files, run by onnxruntime."""

from zoo.plugin import Backend, DeviceUnavailableError, Facts, Probe, as_onnx, hookimpl, library_probe


class TinyOnnxSession:
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
        self._session = onnxruntime.InferenceSession(as_onnx(program), options, providers=providers)
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
        if device.kind != "cpu" and not device.place("onnxruntime", 0).get("providers"):
            return Probe(0, f"the device {device.kind} names no provider of onnxruntime")
        return library_probe(("onnxruntime",), program)

    def open(self, program, request):
        return TinyOnnxSession(program, request)


@hookimpl
def zoo_backends():
    return [TinyOnnx()]
