// The admin's program that writes TXT records for dns-01: `HOOK present|cleanup FQDN VALUE`.
// Never runs a shell, never waits without end.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

namespace acme {

struct HookCall {
    std::filesystem::path program;
    std::string action;  ///< "present" or "cleanup"
    std::string fqdn;    ///< "_acme-challenge.example.com."
    std::string value;
    std::chrono::seconds time{300};
    /// Ends it once this descriptor (an eventfd) can be read; -1 for none.
    int stop = -1;
    /// It may go on so long after that.
    std::chrono::seconds grace{0};
};

/// Blocking. Nothing where it exited with 0; else what it said, and how it ended.
std::optional<std::string> runHook(const HookCall& call);

}  // namespace acme
