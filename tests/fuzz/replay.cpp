// Runs one target on every file of the folders given: what the fuzzers once found stays found, with
// any compiler. Never makes an input of its own.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <vector>

#include "gateway/base/durable_file.h"
#include "tests/fuzz/fuzzing.h"

namespace {

constexpr std::size_t kLargestInput = 1U << 20U;

std::vector<std::filesystem::path> filesIn(const char* folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

int main(int count, char** arguments) {
    std::size_t inputs = 0;
    std::filesystem::path current;
    try {
        fuzz::run("");
        for (int i = 1; i < count; ++i) {
            for (const auto& file : filesIn(arguments[i])) {
                current = file;
                // Before the run: a claim that fails ends the process.
                std::fprintf(stderr, "%s\n", file.c_str());
                fuzz::run(gateway::readWhole(file, kLargestInput));
                ++inputs;
            }
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", current.c_str(), error.what());
        return 1;
    }
    std::printf("%zu inputs replayed\n", inputs);
    return inputs == 0 ? 1 : 0;
}
