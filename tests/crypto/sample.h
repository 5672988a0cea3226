// Texts, keys and expectations that several tests of crypto/ share.
// Never random: a failure today is a failure tomorrow.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/age_stream.h"
#include "crypto/keys.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"

namespace sample {

inline constexpr std::string_view kIdentity =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
inline constexpr std::string_view kRecipient =
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

inline crypto::OpenKey identity() { return *crypto::OpenKey::parse(kIdentity); }

/// `size` letters without a period that chunks could hide behind.
inline std::string text(std::size_t size) {
    std::string result(size, '\0');
    std::uint32_t state = 2463534242;
    for (char& c : result) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        c = static_cast<char>('a' + (state >> 16) % 26);
    }
    return result;
}

/// The octets that lower-case `hex` stands for.
inline std::string unhex(std::string_view hex) {
    std::string octets;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        octets += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    }
    return octets;
}

inline std::string sealed(std::string_view plaintext, const crypto::SealKey& recipient) {
    std::string result;
    crypto::Sealer sealer(recipient);
    sealer.seal(gateway::octetsOf(plaintext), result);
    sealer.finish(result);
    return result;
}

/// The kind of the Error that `act` throws, nothing where it throws none; its message goes to
/// `what`.
inline std::optional<gateway::Error::Kind> failureOf(const std::function<void()>& act,
                                                     std::string* what = nullptr) {
    try {
        act();
        return std::nullopt;
    } catch (const gateway::Error& error) {
        if (what != nullptr) {
            *what = error.what();
        }
        return error.kind();
    }
}

/// What a message opener gave out, and the message of the Error that ended it, empty for none.
struct Opened {
    std::string plaintext;
    std::string failure;
};

/// Opens `sealed` fed in pieces of `piece` octets.
inline Opened open(std::string_view sealedText, const crypto::OpenKey& key,
                   std::size_t piece = SIZE_MAX) {
    Opened result;
    const auto act = [&] {
        crypto::Opener opener(key);
        while (!sealedText.empty()) {
            opener.open(gateway::octetsOf(sealedText.substr(0, piece)), result.plaintext);
            sealedText.remove_prefix(std::min(piece, sealedText.size()));
        }
        opener.finish(result.plaintext);
    };
    const auto kind = failureOf(act, &result.failure);
    if (kind && *kind != gateway::Error::Kind::Corrupt) {
        throw gateway::Error(*kind, result.failure);
    }
    return result;
}

}  // namespace sample
