// Reads dialogues. Never runs them.
#include "tests/smtp/dialogue.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "gateway/base/text.h"

namespace smtp::test {

namespace {

struct Prefix {
    std::string_view text;
    Step::Kind kind;
    bool hex;
    std::string_view end;  ///< added to what stands on the line
};

constexpr std::array<Prefix, 8> kPrefixes{{{"C-hex:", Step::Kind::Client, true, ""},
                                           {"C:", Step::Kind::Client, false, "\r\n"},
                                           {"S:", Step::Kind::Server, false, ""},
                                           {"S*:", Step::Kind::Servers, false, ""},
                                           {"H:", Step::Kind::Header, false, ""},
                                           {"M-hex:", Step::Kind::Message, true, ""},
                                           {"M:", Step::Kind::Message, false, "\r\n"},
                                           {">", Step::Kind::World, false, ""}}};

std::string takeWord(std::string_view& text) {
    std::string word;
    if (text.front() == '"') {
        const std::size_t end = text.find('"', 1);
        if (end == std::string_view::npos) {
            throw std::runtime_error("a quoted text does not end");
        }
        word = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
        return word;
    }
    const std::string digits = gateway::lowered(text.substr(0, 2));
    if (digits.size() < 2 ||
        digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
        throw std::runtime_error("neither hex nor quoted text: " + std::string(text));
    }
    text.remove_prefix(2);
    return {static_cast<char>(std::stoi(digits, nullptr, 16))};
}

}  // namespace

std::uint64_t numberOf(std::string_view digits) {
    const auto number = gateway::parseDecimal(digits);
    if (!number) {
        throw std::runtime_error("no number: " + std::string(digits));
    }
    return *number;
}

std::string octetsFromHex(std::string_view text) {
    std::string result;
    for (text = gateway::trimmed(text); !text.empty(); text = gateway::trimmed(text)) {
        const std::string word = takeWord(text);
        std::uint64_t count = 1;
        if (text.starts_with("(x")) {
            const std::size_t end = text.find(')');
            count = numberOf(text.substr(2, end - 2));
            text.remove_prefix(end + 1);
        }
        for (; count > 0; --count) {
            result += word;
        }
    }
    return result;
}

Dialogue parseDialogue(std::string name, std::string_view text) {
    Dialogue dialogue;
    dialogue.name = std::move(name);
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.empty() || line.front() == '#') {
            continue;
        }
        const auto prefix =
            std::find_if(kPrefixes.begin(), kPrefixes.end(),
                         [&](const Prefix& known) { return line.starts_with(known.text); });
        if (prefix == kPrefixes.end()) {
            throw std::runtime_error(dialogue.name + ":" + std::to_string(number) +
                                     ": begins with none of C: C-hex: S: S*: H: M: M-hex: > #");
        }
        std::string_view rest = line.substr(prefix->text.size());
        rest.remove_prefix(rest.starts_with(' ') ? 1 : 0);
        Step step;
        step.kind = prefix->kind;
        step.line = number;
        step.octets = (prefix->hex ? octetsFromHex(rest) : std::string(rest));
        step.octets += prefix->end;
        dialogue.steps.push_back(std::move(step));
    }
    return dialogue;
}

std::vector<Dialogue> readDialogues(const std::filesystem::path& folder) {
    std::vector<Dialogue> result;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".txt") {
            std::ifstream file(entry.path(), std::ios::binary);
            const std::string text(std::istreambuf_iterator<char>(file), {});
            result.push_back(parseDialogue(entry.path().filename().string(), text));
        }
    }
    std::sort(result.begin(), result.end(),
              [](const Dialogue& a, const Dialogue& b) { return a.name < b.name; });
    return result;
}

}  // namespace smtp::test
