// The mask of a picture by @MODEL@ in MNN: the number of the class of every pixel. Names and colours are in mnn.json.
//
//   g++ -O2 -std=c++17 mnn.cpp -I MNN/include -L MNN/build -lMNN -o mask
//   ./mask . picture.ppm mask.pgm
#include <MNN/Interpreter.hpp>
#include <MNN/Tensor.hpp>

#include <memory>

#include "mask.h"

static Planes run(const std::string& folder, const Planes& input) {
    std::shared_ptr<MNN::Interpreter> net(MNN::Interpreter::createFromFile((folder + "/model.mnn").c_str()));
    if (!net) return {};
    MNN::BackendConfig exact;
    // As it was compared; Precision_Low is faster where the processor has float16, and some pixels get another class.
    exact.precision = MNN::BackendConfig::Precision_High;
    MNN::ScheduleConfig config;
    config.numThread = 4;
    config.backendConfig = &exact;
    MNN::Session* session = net->createSession(config);
    MNN::Tensor* value = net->getSessionInput(session, "@INPUT@");
    net->resizeTensor(value, {1, input.count, input.height, input.width});
    net->resizeSession(session);
    MNN::Tensor given(value, MNN::Tensor::CAFFE);
    std::copy(input.values.begin(), input.values.end(), given.host<float>());
    value->copyFromHostTensor(&given);
    if (net->runSession(session) != MNN::NO_ERROR) return {};
    MNN::Tensor* output = net->getSessionOutput(session, "@OUTPUT@");
    MNN::Tensor made(output, MNN::Tensor::CAFFE);
    output->copyToHostTensor(&made);
    const float* first = made.host<float>();
    return {made.channel(), made.height(), made.width(), std::vector<float>(first, first + made.elementSize())};
}

int main(int count, char** given) {
    Planes picture = count == 4 ? read_ppm(given[2]) : Planes{};
    if (picture.values.empty()) {
        std::fprintf(stderr, "usage: mask FOLDER PICTURE.ppm MASK.pgm; the picture is a P6 of 8 bits\n");
        return 2;
    }
    const int height = picture.height, width = picture.width;
    double factor = 1;
    int high = 0, wide = 0;
    @SIZE@
    if (!high) high = std::max(1, int(std::nearbyint(height * factor)));
    if (!wide) wide = std::max(1, int(std::nearbyint(width * factor)));
    const float mean[] = {@MEAN@}, deviation[] = {@STD@};
    const Planes input = normalized(resized(picture, high, wide), @MULTIPLE@, @GREY@, mean, deviation);
    const Planes logits = run(given[1], input);
    if (logits.values.empty()) {
        std::fprintf(stderr, "%s holds no program that runs\n", given[1]);
        return 1;
    }
    const double down = double(logits.height) * high / input.height, across = double(logits.width) * wide / input.width;
    return write_pgm(given[3], best(logits, height, width, down, across, @THRESHOLD@), height, width) ? 0 : 1;
}
