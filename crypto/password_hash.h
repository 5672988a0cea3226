// Passwords of people that only ever have to be recognised: their Argon2id hashes (RFC 9106) as
// text. Never used for a mailbox, whose password opens a key.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crypto/password.h"

namespace crypto {

/// "$argon2id$v=19$m=65536,t=3,p=1$…", as every tool of that kind writes and reads it. Immutable.
class PasswordHash {
public:
    /// With a salt of its own. Blocking, 64 MiB of memory and about 0.1 s: for the cpu workers.
    static PasswordHash make(const Password& password);
    /// Nothing where it is no such hash, or one that would cost more than a server should spend on
    /// a log-in: what a stranger put into the file must not take it down.
    static std::optional<PasswordHash> parse(std::string_view text);
    /// One that no password fits, and that costs the same to find out.
    static PasswordHash ofNobody();

    /// Blocking, as make(); compares in constant time. Throws Error(Internal) where there is not
    /// enough memory.
    bool fits(const Password& password) const;
    const std::string& str() const { return m_text; }

private:
    explicit PasswordHash(std::string text) : m_text(std::move(text)) {}
    std::string m_text;
};

}  // namespace crypto
