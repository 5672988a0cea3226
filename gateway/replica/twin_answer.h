// What a twin answered over HTTP. Never believes anything of it: a twin may be anybody's by now.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "gateway/base/json_text.h"
#include "gateway/base/text.h"
#include "gateway/net/http_client.h"

namespace gateway::replica {

/// The object in its body; an empty one where there is none.
inline nlohmann::json objectIn(const HttpAnswer& answer) {
    constexpr int kDeepest = 16;  // levels: copying what is deeper would use up the stack
    return parseObject(answer.body, kDeepest);
}

/// ": " and what it says went wrong, in its own words; empty where it says nothing.
inline std::string wordsOf(const HttpAnswer& answer) {
    constexpr std::size_t kMostWords = 500;
    const std::string words = textIn(objectIn(answer).value("error", nlohmann::json()), "message");
    return words.empty() ? words : ": " + printable(words, kMostWords);
}

}  // namespace gateway::replica
