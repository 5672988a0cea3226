// Files in state/ of what was learnt while mail came and went: any of them may be lost, and is
// learnt anew then. Never stops anything where one cannot be read.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"

namespace gateway {

inline constexpr std::size_t kLargestLearntFile = std::size_t{64} << 20U;

/// Blocking. Empty where there is no file, or none that can be used: then `loss` is logged, which
/// says what is not known any more, with the cause. `Learnt::parse(text, why)` gives nothing, or
/// says why, where the text is not to be used.
template <typename Learnt>
Learnt loadLearnt(const std::filesystem::path& file, const char* loss) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) {
        return {};
    }
    std::string why;
    std::optional<Learnt> learnt;
    try {
        learnt = Learnt::parse(readWhole(file, kLargestLearntFile), why);
    } catch (const Error& error) {
        why = error.what();
    }
    if (!why.empty()) {
        log::notice(loss, {{"file", file.native()}, {"cause", why}});
    }
    return learnt.value_or(Learnt());
}

/// Whether the document is of the one format there is; else `why` says so, and `isNewer` whether a
/// later version wrote it, whose file is left untouched.
inline bool isOfKnownFormat(const nlohmann::json& document, std::string& why, bool& isNewer) {
    const nlohmann::json format = document.value("format", nlohmann::json());
    if (format == 1) {
        return true;
    }
    why = "its format is " + format.dump();
    isNewer = format.is_number_integer() && format > 1;
    return false;
}

}  // namespace gateway
