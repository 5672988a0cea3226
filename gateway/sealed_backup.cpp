#include "gateway/sealed_backup.h"

#include "crypto/sealed_text.h"
#include "gateway/base/error.h"
#include "gateway/exit_code.h"

namespace gateway {

namespace {

constexpr std::string_view kSealedFirstLine = "age-encryption.org/v1\n";
constexpr std::string_view kArmoredFirstLine = "-----BEGIN AGE ENCRYPTED FILE-----";
constexpr std::size_t kShortPassphrase = 12;

}  // namespace

bool isSealedBackup(std::string_view text) {
    return text.starts_with(kSealedFirstLine) || text.starts_with(kArmoredFirstLine);
}

void requireStrong(const crypto::Password& passphrase) {
    if (passphrase.view().size() < kShortPassphrase) {
        throw Refusal(EX_DATAERR, "the passphrase is shorter than " +
                                      std::to_string(kShortPassphrase) +
                                      " octets, which can be guessed; choose some words");
    }
}

std::string sealBackup(std::string_view text, const crypto::Password& passphrase) {
    return crypto::sealToPassphrase(text, passphrase, crypto::kChosenPassphraseCost);
}

std::string openSealedBackup(std::string_view sealed, const crypto::Password& passphrase,
                             const std::string& from) {
    try {
        const auto opened = crypto::openWithPassphrase(sealed, passphrase);
        if (!opened) {
            throw Refusal(EX_NOPERM,
                          "that is not the passphrase of the backup; nothing was changed",
                          "wrong_password");
        }
        return std::string(opened->text());
    } catch (const Error& error) {
        throw Refusal(EX_DATAERR, "the backup cannot be used, and nothing was changed: " + from +
                                      ": " + error.what() +
                                      "; it may be cut off: take another copy of it");
    }
}

}  // namespace gateway
