// Mailbox passwords and passphrases.
// Never stores one: it exists while a session, command or dialogue needs it.
#pragma once

#include <string_view>

#include "crypto/secret.h"

namespace crypto {

/// A password as the user gave it, every octet significant; move-only, in locked memory.
class Password {
public:
    /// Copies `text`; the caller wipes its own buffer.
    explicit Password(std::string_view text);
    /// A new one: groups of letters and digits without look-alikes or shell characters,
    /// at least 150 random bits ("Wq7vK-…").
    static Password generate();

    std::string_view view() const { return m_text.text(); }

private:
    SecretBuffer m_text;
};

}  // namespace crypto
