// Small texts sealed as age files in one go: identities under a password or a recovery key, chains,
// backups. Binary by default; armor() gives the PEM-like form a record holds.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crypto/keys.h"
#include "crypto/password.h"

namespace crypto {

inline constexpr int kGeneratedPasswordCost = 15;  ///< log2 N for passwords of Password::generate()
inline constexpr int kChosenPassphraseCost = 18;   ///< log2 N for what people choose
inline constexpr int kLeastCost = 10;              ///< accepted in records
inline constexpr int kGreatestCost = 18;

/// A binary age file with one scrypt stanza.
std::string sealToPassphrase(std::string_view plaintext, const Password& passphrase, int logN);
/// A binary age file with one X25519 stanza.
std::string sealToRecipient(std::string_view plaintext, const SealKey& recipient);

/// Opens a binary or armored age file with one scrypt stanza of cost kLeastCost…kGreatestCost.
/// Nothing where the passphrase is wrong; throws gateway::Error(Corrupt) where the file is.
std::optional<SecretBuffer> openWithPassphrase(std::string_view sealed, const Password& passphrase);
/// Opens a binary or armored age file with an X25519 stanza for `identity`, nothing where no stanza
/// is for it; throws gateway::Error(Corrupt) where the file is damaged.
std::optional<SecretBuffer> openWithIdentity(std::string_view sealed, const OpenKey& identity);

/// "-----BEGIN AGE ENCRYPTED FILE-----", 64 columns, LF.
std::string armor(std::string_view binary);
/// Strict, as the age specification asks; nothing where it is no armored age file.
std::optional<std::string> dearmor(std::string_view armored);

/// The secret half of a mailbox key under its password (SPEC section 4): an armored age file whose
/// text begins with comment lines that name mailbox and recipient, then the identity, as
/// `age -d -i` takes it.
std::string sealIdentity(const OpenKey& identity, std::string_view mailbox,
                         const Password& password, int logN = kGeneratedPasswordCost);
/// The same text sealed to another recipient (a newer key of the mailbox, or the recovery key).
std::string sealIdentity(const OpenKey& identity, std::string_view mailbox,
                         const SealKey& recipient);

/// Opens what sealIdentity() made. Nothing where the password is wrong. Throws
/// gateway::Error(Corrupt) where the text names another mailbox or recipient, or where the identity
/// is not the one of `expected`: somebody exchanged it.
std::optional<OpenKey> openIdentity(std::string_view sealed, std::string_view mailbox,
                                    const SealKey& expected, const Password& password);
std::optional<OpenKey> openIdentity(std::string_view sealed, std::string_view mailbox,
                                    const SealKey& expected, const OpenKey& opener);

}  // namespace crypto
