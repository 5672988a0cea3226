#include "gateway/replica/invitation.h"

#include <algorithm>
#include <vector>

#include "crypto/base64.h"
#include "gateway/base/text.h"
#include "gateway/replica/exchange.h"

namespace gateway::replica {

namespace {

constexpr std::string_view kFirstWord = "postern-twin-1";
constexpr std::string_view kScheme = "https://";
constexpr std::size_t kLongest = 2048;
constexpr std::size_t kWords = 6;

std::vector<std::string_view> wordsOf(std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
        const std::size_t end = std::min(line.find_first_of(" \t\r\n"), line.size());
        if (end > 0) {
            words.push_back(line.substr(0, end));
        }
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return words;
}

bool isToken(std::string_view text) {
    return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

}  // namespace

std::optional<std::string> parseTwinUrl(std::string_view text) {
    if (text.ends_with('/')) {
        text.remove_suffix(1);
    }
    const auto isPlain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
    };
    if (!text.starts_with(kScheme) || text.size() > kScheme.size() + 300) {
        return std::nullopt;
    }
    const std::string_view authority = text.substr(kScheme.size());
    if (authority.empty() || !std::all_of(authority.begin(), authority.end(), isPlain)) {
        return std::nullopt;
    }
    return std::string(text);
}

std::optional<std::string> parseFingerprint(std::string_view text) {
    std::string digits = lowered(text);
    std::erase(digits, ':');
    return isDigest(digits) ? std::optional(digits) : std::nullopt;
}

std::string pinOf(const std::string& fingerprint) {
    std::vector<std::byte> octets;
    for (std::size_t i = 0; i + 1 < fingerprint.size(); i += 2) {
        octets.push_back(static_cast<std::byte>(std::stoi(fingerprint.substr(i, 2), nullptr, 16)));
    }
    return crypto::encodeBase64(octets);
}

std::string Invitation::line() const {
    std::string text(kFirstWord);
    text += ' ' + url + ' ' + (fingerprint.empty() ? "-" : fingerprint) + ' ' + node.str() + ' ' +
            key.str() + ' ';
    text += token.text();
    return text;
}

std::optional<Invitation> Invitation::parse(std::string_view line, std::string& why) {
    const auto words = line.size() <= kLongest ? wordsOf(line) : std::vector<std::string_view>();
    if (words.size() != kWords || words[0] != kFirstWord) {
        why = "it is not the line that `postern twin invite` printed; take all of it";
        return std::nullopt;
    }
    auto url = parseTwinUrl(words[1]);
    auto fingerprint = words[2] == "-" ? std::optional(std::string()) : parseFingerprint(words[2]);
    auto id = NodeId::parse(words[3]);
    auto nodeKey = crypto::VerifyKey::parse(words[4]);
    if (!url || !fingerprint || !id || !nodeKey || !isToken(words[5])) {
        why = "a word of it is damaged; copy the line anew";
        return std::nullopt;
    }
    Invitation invitation(std::move(*id), std::move(*nodeKey));
    invitation.url = std::move(*url);
    invitation.fingerprint = std::move(*fingerprint);
    invitation.token = crypto::SecretBuffer(octetsOf(words[5]));
    return invitation;
}

}  // namespace gateway::replica
