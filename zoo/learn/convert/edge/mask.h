// What mnn.cpp and ncnn.cpp share: pictures in, masks out.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

struct Planes {
    int count = 0, height = 0, width = 0;
    std::vector<float> values;
};

// Reads a picture, a PPM file of 8 bits (P6), as its red, green and blue; no values where it is none.
inline Planes read_ppm(const char* path) {
    std::ifstream file(path, std::ios::binary);
    std::string kind;
    int width = 0, height = 0, most = 0;
    file >> kind >> width >> height >> most;
    if (!file || kind != "P6" || most != 255 || width < 1 || height < 1) return {};
    file.get();
    const size_t pixels = size_t(width) * height;
    std::vector<unsigned char> bytes(3 * pixels);
    if (!file.read(reinterpret_cast<char*>(bytes.data()), std::streamsize(bytes.size()))) return {};
    Planes picture{3, height, width, std::vector<float>(3 * pixels)};
    for (size_t i = 0; i < bytes.size(); ++i) picture.values[i % 3 * pixels + i / 3] = bytes[i];
    return picture;
}

// Makes `parts` numbers of the first `span` ones of every row, means over what falls together, and turns rows to
// columns; done twice all lies as before. `whole` rounds as pictures of 8 bits are.
inline Planes turned(const Planes& in, int parts, double span, bool whole) {
    Planes out{in.count, parts, in.height, std::vector<float>(size_t(in.count) * parts * in.height)};
    const double step = span / parts, reach = std::max(step, 1.0);
    for (int part = 0; part < parts; ++part) {
        const double middle = (part + 0.5) * step;
        const int first = std::max(0, int(middle - reach + 0.5)), end = std::min(in.width, int(middle + reach + 0.5));
        for (int row = 0; row < in.count * in.height; ++row) {
            double sum = 0, weights = 0;
            for (int at = first; at < end; ++at) {
                const double weight = std::max(0.0, 1 - std::abs(at + 0.5 - middle) / reach);
                sum += weight * in.values[size_t(row) * in.width + at];
                weights += weight;
            }
            const float value = float(whole ? std::floor(sum / weights + 0.5) : sum / weights);
            out.values[(size_t(row / in.height) * parts + part) * in.height + row % in.height] = value;
        }
    }
    return out;
}

inline Planes resized(const Planes& in, int height, int width) {
    if (height == in.height && width == in.width) return in;
    return turned(turned(in, width, in.width, true), height, in.height, true);
}

// Pads below and to the right to multiples with a grey, and makes (x / 255 - mean) / deviation of every number.
inline Planes normalized(const Planes& in, int multiple, float grey, const float* mean, const float* deviation) {
    const int height = (in.height + multiple - 1) / multiple * multiple;
    const int width = (in.width + multiple - 1) / multiple * multiple;
    Planes out{in.count, height, width, std::vector<float>(size_t(in.count) * height * width)};
    for (size_t i = 0; i < out.values.size(); ++i) {
        const size_t plane = i / (size_t(height) * width), y = i / width % height, x = i % width;
        const bool inside = y < size_t(in.height) && x < size_t(in.width);
        const float value = inside ? in.values[(plane * in.height + y) * in.width + x] : grey;
        out.values[i] = (value / 255 - mean[plane]) / deviation[plane];
    }
    return out;
}

// Returns the best class of every pixel of a picture; of one plane, whether it is above the threshold. `down` and
// `across` say how many rows and columns of the logits lie over the picture; the others lie over what was padded.
inline std::vector<unsigned char> best(const Planes& logits, int height, int width, double down, double across,
                                       float threshold) {
    const Planes fine = turned(turned(logits, width, across, false), height, down, false);
    const size_t pixels = size_t(height) * width;
    std::vector<unsigned char> mask(pixels);
    for (size_t i = 0; i < pixels; ++i) {
        if (fine.count == 1) mask[i] = fine.values[i] > threshold;
        for (int label = 1; label < fine.count; ++label)
            if (fine.values[label * pixels + i] > fine.values[mask[i] * pixels + i]) mask[i] = (unsigned char)label;
    }
    return mask;
}

// Writes a mask, a PGM file of 8 bits (P5).
inline bool write_pgm(const char* path, const std::vector<unsigned char>& mask, int height, int width) {
    std::ofstream file(path, std::ios::binary);
    file << "P5\n" << width << " " << height << "\n255\n";
    file.write(reinterpret_cast<const char*>(mask.data()), std::streamsize(mask.size()));
    return bool(file.flush());
}
