// Work of a worker for a session, whose failure is expected and ends in an answer.
#pragma once

#include <optional>
#include <string>

#include "gateway/base/error.h"

namespace pop3 {

/// What a worker did for a session: its result, or why there is none.
template <typename Result>
struct Outcome {
    std::optional<Result> result;
    std::string failure;
    bool corrupt = false;
};

/// Runs `work`; an Error becomes the reason.
template <typename Work>
auto attempt(Work work) -> Outcome<decltype(work())> {
    Outcome<decltype(work())> outcome;
    try {
        outcome.result.emplace(work());
    } catch (const gateway::Error& error) {
        outcome.failure = error.what();
        outcome.corrupt = error.kind() == gateway::Error::Kind::Corrupt;
    }
    return outcome;
}

}  // namespace pop3
