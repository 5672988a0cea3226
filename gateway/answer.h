// What becomes of a request that was carried out, or could not be: one answer object.
// Never throws: what is thrown becomes an answer.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

namespace gateway {

/// What `work` returns, with "ok": true; or {"ok": false, "error": "a sentence", "exit": 64…78,
/// "code": as Refusal's, or "trouble"} where it throws.
nlohmann::json answerOf(const std::function<nlohmann::json()>& work) noexcept;

}  // namespace gateway
