// A backup sealed as an age file under a passphrase that somebody chose, and opened again. Blocks
// for about a second and takes 256 MiB meanwhile. Never keeps the passphrase.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "crypto/password.h"
#include "gateway/mail/backup.h"

namespace gateway {

/// What age adds, armored: a third, and a header.
inline constexpr std::size_t kMostSealedBackup = Backup::kMostOctets / 2 * 3;

/// Whether the text is an age file, binary or armored, and no plain backup.
bool isSealedBackup(std::string_view text);

/// Throws Refusal where it can be guessed.
void requireStrong(const crypto::Password& passphrase);

std::string sealBackup(std::string_view text, const crypto::Password& passphrase);

/// Throws Refusal where that is not the passphrase, or the file is damaged. `from` names it.
std::string openSealedBackup(std::string_view sealed, const crypto::Password& passphrase,
                             const std::string& from);

}  // namespace gateway
