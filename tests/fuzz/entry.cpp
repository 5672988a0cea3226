// Where libFuzzer comes in. Never looks at the input.
#include "tests/fuzz/fuzzing.h"

// The name is libFuzzer's.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
    // libFuzzer gives a null pointer for the empty input.
    fuzz::run(size == 0 ? std::string_view()
                        : std::string_view(reinterpret_cast<const char*>(octets), size));
    return 0;
}
