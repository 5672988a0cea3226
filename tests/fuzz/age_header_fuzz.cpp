// The header of an age file: what parses keeps the specification's rules, does not depend on what
// follows, and is written again as it was read. Input: the beginning of a file.
#include <algorithm>

#include "crypto/age_header.h"
#include "crypto/sealed_text.h"
#include "gateway/base/error.h"
#include "tests/fuzz/fuzzing.h"

namespace {

using crypto::AgeHeader;
using fuzz::claim;

std::optional<AgeHeader> parsed(std::string_view file) {
    try {
        return crypto::parseAgeHeader(file);
    } catch (const gateway::Error& error) {
        claim(error.kind() == gateway::Error::Kind::Corrupt, "a bad header is Corrupt");
        return std::nullopt;
    }
}

bool same(const crypto::X25519Stanza& left, const crypto::X25519Stanza& right) {
    return left.share == right.share && left.body == right.body;
}

/// Whether what was read, written again, has the very octets that the MAC is over.
template <typename Stanza>
bool writtenAsRead(const Stanza& stanza, std::string_view authenticated) {
    crypto::FileKey fileKey;
    std::ranges::fill(fileKey.writable(), std::byte{7});
    const std::string again = crypto::writeAgeHeader(stanza, fileKey);
    const auto reread = parsed(again);
    claim(reread && reread->size == again.size(), "what is written is a header");
    crypto::checkMac(*reread, fileKey);
    return reread->authenticated == authenticated;
}

}  // namespace

void fuzz::run(std::string_view input) {
    const auto header = parsed(input);
    if (!header) {
        return;
    }
    const std::size_t stanzas = header->x25519.size() + header->others + (header->scrypt ? 1 : 0);
    claim(stanzas > 0 && (!header->scrypt || stanzas == 1), "scrypt stands alone");
    claim(!header->scrypt ||
              (header->scrypt->logN > 0 && header->scrypt->logN <= crypto::kGreatestCost),
          "no scrypt of an attacker's cost");
    claim(header->size <= input.size() && header->size <= crypto::kGreatestHeaderSize,
          "a header lies in the file");
    claim(header->authenticated.data() == input.data() && header->authenticated.ends_with("\n---"),
          "the MAC is over all before it");
    const auto alone = parsed(input.substr(0, header->size));
    claim(alone && alone->size == header->size && alone->mac == header->mac &&
              std::ranges::equal(alone->x25519, header->x25519, same),
          "what follows a header does not count");
    claim(!parsed(input.substr(0, header->size - 1)), "a header has an end");
    if (stanzas == 1 && !header->x25519.empty()) {
        claim(writtenAsRead(header->x25519.front(), header->authenticated),
              "one way to write an X25519 stanza");
    } else if (header->scrypt) {
        claim(writtenAsRead(*header->scrypt, header->authenticated),
              "one way to write a scrypt stanza");
    }
}
