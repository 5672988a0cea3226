// A dialogue between an HTTP client and the server as text; tests/dialogues/http/README.md
// describes the form. The server is the real one, over loopback; its handler tells what it
// understood.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace http_dialogue {

struct Step {
    std::string where;   ///< "file:line"
    std::string send;    ///< octets, before the expectations
    std::string status;  ///< begins with; empty: nothing is awaited
    std::string body;    ///< the whole of it, without its last line end
    bool bodyGiven = false;
    std::vector<std::string> fields;  ///< "Connection: close"
    bool closed = false;              ///< the server ends the connection and says nothing more
};

/// Throws gateway::Error where the file is not well formed.
std::vector<Step> read(const std::filesystem::path& file);

/// The first thing that was not as written; nothing where all was. `piece`: how many octets are
/// sent at once.
std::optional<std::string> play(const std::vector<Step>& steps, std::size_t piece);

}  // namespace http_dialogue
