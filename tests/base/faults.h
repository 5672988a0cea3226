// Every call of an operation failing once, in every way (EIO, ENOSPC, EMFILE, EINTR, a short
// write); what must hold afterwards is said by the tests of stores and records.
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "tests/base/syscall_shim.h"

namespace shim {

struct Fault {
    const char* name;
    int error;       ///< what the call fails with; Watch::kShort for a write
    int afterwards;  ///< and each one after it, 0 for none
};

/// A disk that is full stays full; the others are over after one call.
inline constexpr std::array<Fault, 6> kFaults{{{"EIO", EIO, 0},
                                               {"ENOSPC", ENOSPC, 0},
                                               {"EMFILE", EMFILE, 0},
                                               {"EINTR", EINTR, 0},
                                               {"short write", Watch::kShort, 0},
                                               {"short write, then full", Watch::kShort, ENOSPC}}};

/// Whether a call makes something where a full disk says no.
inline bool needsSpace(const std::string& call) {
    return call.starts_with("write ") || call.starts_with("mkdir ") || call.starts_with("link ");
}

/// What an operation is watched with: its n-th call has the fault, where it has so many.
inline Watch::Before failing(unsigned n, const Fault& fault) {
    return [n, fault, seen = std::make_shared<std::atomic<unsigned>>(0)](const std::string& call) {
        const unsigned number = ++*seen;
        if (number == n) {
            return fault.error;
        }
        return number > n && needsSpace(call) ? fault.afterwards : 0;
    };
}

/// The fault at the n-th call; the first is 1.
struct Trial {
    unsigned n;
    Fault fault;
};

/// How often an operation was tried, and how often it said that it failed.
struct Trials {
    unsigned all = 0;
    unsigned failed = 0;
};

enum class Outcome {
    Done,    ///< it returned
    Failed,  ///< it threw what its callers expect
    Beyond   ///< it returned, and has no n-th call
};

struct Attempt {
    Outcome outcome;
    std::string call;  ///< the n-th, as Watch records it
};

/// Runs `operation` with the fault at its n-th call.
template <typename Expected, typename Operation>
Attempt attempt(
    const Trial& trial, Operation operation,
    const Watch::Before& fileSystem = [](const std::string&) { return 0; }) {
    const auto fails = failing(trial.n, trial.fault);
    const Watch watch(
        [&](const std::string& call) {
            const int error = fails(call);
            const int refused = fileSystem(call);
            return refused != 0 ? refused : error;
        },
        Watch::Closes::Watched);
    Outcome outcome = Outcome::Done;
    try {
        operation();
    } catch (const Expected&) {
        outcome = Outcome::Failed;
    }
    const auto calls = watch.calls();
    if (calls.size() < trial.n) {
        return {Outcome::Beyond, ""};
    }
    return {outcome, calls[trial.n - 1]};
}

/// Gives `judge(trial)` every fault at every call; it returns the Outcome.
template <typename Judge>
Trials everyFault(Judge judge) {
    constexpr unsigned kEnough = 200;
    Trials trials;
    for (const Fault& fault : kFaults) {
        const std::string name = fault.name;
        CAPTURE(name);
        Outcome outcome = Outcome::Done;
        for (unsigned n = 1; outcome != Outcome::Beyond; ++n) {
            CAPTURE(n);
            REQUIRE(n < kEnough);
            outcome = judge(Trial{n, fault});
            ++trials.all;
            trials.failed += outcome == Outcome::Failed ? 1 : 0;
        }
    }
    return trials;
}

}  // namespace shim
