#include "gateway/replica/challenge_offer.h"

#include <algorithm>

#include "gateway/base/error.h"
#include "gateway/base/json_text.h"
#include "gateway/base/text.h"
#include "gateway/mail/canonical_json.h"

namespace gateway::replica {

namespace {

using nlohmann::json;

/// What the signature covers begins so, and a statement begins with "{": none is ever the other.
constexpr const char* kLabel = "postern-acme-challenges-1\n";
constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestToken = 256;  ///< as our own: acme/challenge.h
constexpr std::size_t kThumbprint = 43;     ///< of SHA-256 (RFC 7638), base64url

std::string signedText(const json& unsignedObject) {
    const auto canonical = canonicalJson(unsignedObject);
    return canonical ? kLabel + *canonical : std::string();
}

/// RFC 4648 section 5, without padding.
bool isBase64Url(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
}

bool isName(std::string_view text) {
    return !text.empty() && text.size() <= kLongestName &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
           });
}

/// Nothing where it is none that an authority can have asked for.
std::optional<SharedChallenge> readChallenge(const json& object) {
    SharedChallenge challenge{textIn(object, "type"), textIn(object, "name"),
                              textIn(object, "token"), textIn(object, "key_authorization")};
    // RFC 8555 section 8.1: token "." thumbprint.
    const std::string_view all(challenge.keyAuthorization);
    const bool fits = all.size() == challenge.token.size() + 1 + kThumbprint &&
                      all.starts_with(challenge.token) && all[challenge.token.size()] == '.' &&
                      isBase64Url(all.substr(challenge.token.size() + 1));
    if ((challenge.type != "http-01" && challenge.type != "tls-alpn-01") ||
        !isName(challenge.name) || !isBase64Url(challenge.token) ||
        challenge.token.size() > kLongestToken || !fits) {
        return std::nullopt;
    }
    return challenge;
}

std::optional<std::vector<SharedChallenge>> readChallenges(const json& list) {
    if (!list.is_array() || list.size() > ChallengeOffer::kMostChallenges) {
        return std::nullopt;
    }
    std::vector<SharedChallenge> all;
    for (const json& each : list) {
        auto challenge = readChallenge(each);
        if (!challenge) {
            return std::nullopt;
        }
        all.push_back(std::move(*challenge));
    }
    return all;
}

}  // namespace

json ChallengeOffer::signedBy(const crypto::SigningKey& nodeKey) const {
    json list = json::array();
    for (const SharedChallenge& each : challenges) {
        list.push_back({{"type", each.type},
                        {"name", each.name},
                        {"token", each.token},
                        {"key_authorization", each.keyAuthorization}});
    }
    json object{{"node", node.str()},
                {"node_key", key.str()},
                {"sequence", sequence},
                {"expires", formatTimestamp(expires)},
                {"challenges", std::move(list)}};
    const std::string text = signedText(object);
    if (text.empty()) {
        throw Error(Error::Kind::Corrupt, "a name of the ACME order is no UTF-8");
    }
    object["signature"] = nodeKey.sign(text);
    return object;
}

std::optional<ChallengeOffer> ChallengeOffer::parse(const json& object, WallTime now,
                                                    std::string& why) {
    const auto node = NodeId::parse(textIn(object, "node"));
    const auto key = crypto::VerifyKey::parse(textIn(object, "node_key"));
    const auto expires = parseTimestamp(textIn(object, "expires"));
    const json sequence = object.is_object() ? object.value("sequence", json()) : json();
    auto challenges =
        readChallenges(object.is_object() ? object.value("challenges", json()) : json());
    if (!node || !key || !expires || !challenges || !sequence.is_number_unsigned() ||
        sequence == 0) {
        why = "they have not the form of challenges";
        return std::nullopt;
    }
    json unsignedObject = object;
    unsignedObject.erase("signature");
    const std::string text = signedText(unsignedObject);
    if (text.empty() || !key->verifies(text, textIn(object, "signature"))) {
        why = "the signature is not that of node " + node->str();
        return std::nullopt;
    }
    if (*expires <= now || *expires > now + kMostLasts) {
        why = "they are from another time (they end " + formatTimestamp(*expires) +
              "); see that the clocks of both nodes are right";
        return std::nullopt;
    }
    ChallengeOffer offer(*node, *key);
    offer.sequence = sequence.get<std::uint64_t>();
    offer.expires = *expires;
    offer.challenges = std::move(*challenges);
    return offer;
}

}  // namespace gateway::replica
