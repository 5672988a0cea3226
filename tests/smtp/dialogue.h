// A dialogue as text, the way tests/dialogues/smtp/README.md describes it, read into steps.
// Never judges what a step means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace smtp::test {

struct Step {
    enum class Kind {
        Client,   ///< C:, C-hex: octets to send
        Server,   ///< S: how the next reply line begins
        Servers,  ///< S*: how any number of reply lines begin
        World,    ///< > words: what the world does
        Header,   ///< H: how the next trace header line of the stored copy begins
        Message,  ///< M:, M-hex: the next octets of the stored message
    };
    Kind kind = Kind::World;
    std::size_t line = 0;  ///< counted from 1
    std::string octets;
};

struct Dialogue {
    std::string name;
    std::vector<Step> steps;
};

/// Throws std::runtime_error with "name:line: …" where a line is none of ours.
Dialogue parseDialogue(std::string name, std::string_view text);

/// All *.txt in `folder`, by name.
std::vector<Dialogue> readDialogues(const std::filesystem::path& folder);

/// "text" and pairs of hex digits, separated by blanks, and (x count) behind either of them.
std::string octetsFromHex(std::string_view text);

/// Throws where `digits` are none.
std::uint64_t numberOf(std::string_view digits);

}  // namespace smtp::test
