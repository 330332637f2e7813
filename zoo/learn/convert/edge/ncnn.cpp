// The mask of a picture by @MODEL@ in ncnn: the number of the class of every pixel. Names and colours are in ncnn.json.
//
//   g++ -O2 -std=c++17 ncnn.cpp -I NCNN/include/ncnn -L NCNN/lib -lncnn -fopenmp -o mask
//   ./mask . picture.ppm mask.pgm
#include <net.h>

#include "mask.h"

static Planes run(const std::string& folder, const Planes& input) {
    ncnn::Net net;
    // As it was compared; without these lines it is faster where the processor has float16, and some pixels get another
    // class.
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = false;
    net.opt.num_threads = 4;
    if (net.load_param((folder + "/model.ncnn.param").c_str()) || net.load_model((folder + "/model.ncnn.bin").c_str()))
        return {};
    ncnn::Mat value(input.width, input.height, input.count), made;
    for (int plane = 0; plane < input.count; ++plane) {
        const float* first = input.values.data() + size_t(plane) * input.height * input.width;
        std::copy(first, first + size_t(input.height) * input.width, (float*)value.channel(plane));
    }
    ncnn::Extractor extractor = net.create_extractor();
    if (extractor.input("@INPUT@", value) || extractor.extract("@OUTPUT@", made)) return {};
    Planes output{made.c, made.h, made.w, {}};
    for (int plane = 0; plane < made.c; ++plane) {
        const float* first = made.channel(plane);
        output.values.insert(output.values.end(), first, first + size_t(made.h) * made.w);
    }
    return output;
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
