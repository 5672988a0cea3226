// What `postern twin invite` prints and `postern twin join` reads: one line that introduces a node
// to another. Holds a secret, which opens the door once and for a day. Text in, text out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crypto/secret.h"
#include "crypto/signature.h"
#include "gateway/mail/node_id.h"

namespace gateway::replica {

/// "postern-twin-1 https://msgw1.example.com:8450 FINGERPRINT n-… KEY TOKEN"; the fingerprint is
/// that of the certificate's public key (SHA-256 of its SubjectPublicKeyInfo, hex), or "-" where an
/// authority vouches for it.
struct Invitation {
    Invitation(NodeId id, crypto::VerifyKey nodeKey)
        : node(std::move(id)), key(std::move(nodeKey)) {}
    std::string url;
    std::string fingerprint;
    NodeId node;
    crypto::VerifyKey key;
    crypto::SecretBuffer token;

    std::string line() const;
    /// Nothing where it is none; `why` then says what to look at.
    static std::optional<Invitation> parse(std::string_view line, std::string& why);
};

/// "https://host:port", as twins are called; nothing where it is no such address.
std::optional<std::string> parseTwinUrl(std::string_view text);

/// 64 digits of lower-case hex from a fingerprint with or without colons; nothing where it is none.
std::optional<std::string> parseFingerprint(std::string_view text);

/// A fingerprint of that form as HttpCall::pin; empty for none.
std::string pinOf(const std::string& fingerprint);

}  // namespace gateway::replica
