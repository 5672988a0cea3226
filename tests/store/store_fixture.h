// A data directory for one test, a drop in it, and messages of given sizes. No real keys but the
// drop's own.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "crypto/age_stream.h"
#include "crypto/keys.h"
#include "gateway/base/text.h"
#include "gateway/mail/layout.h"
#include "gateway/store/directory_store.h"
#include "gateway/store/drop_folder.h"
#include "tests/base/syscall_shim.h"
#include "tests/base/temporary_folder.h"

class StoreFixture {
public:
    StoreFixture() : layout(folder.path()), key(crypto::OpenKey::generate()) {}

    gateway::Drop drop() const { return {mailbox, key.sealKey()}; }

    /// Octets that look like a sealed message of so many plaintext octets.
    static std::string sealed(std::size_t plaintext) {
        return std::string(crypto::sealedSize(plaintext), 's');
    }

    gateway::MessageId deliver(gateway::MessageStore& store, std::size_t plaintext = 100) const {
        const gateway::MessageId id = gateway::MessageId::generate();
        const auto incoming = store.begin(drop(), id);
        incoming->append(gateway::octetsOf(sealed(plaintext)));
        incoming->commit();
        return id;
    }

    static std::vector<gateway::MessageId> idsOf(const gateway::Listing& listing) {
        std::vector<gateway::MessageId> ids;
        for (const gateway::StoredMessage& message : listing.messages) {
            ids.push_back(message.id);
        }
        return ids;
    }

    std::vector<gateway::MessageId> listed(gateway::MessageStore& store) const {
        return idsOf(store.list(drop()));
    }

    /// Every plain file below the messages' folder.
    std::vector<std::filesystem::path> files() const {
        std::vector<std::filesystem::path> found;
        std::error_code error;
        for (const auto& entry :
             std::filesystem::recursive_directory_iterator(layout.mailboxes(), error)) {
            if (entry.is_regular_file()) {
                found.push_back(entry.path());
            }
        }
        return found;
    }

    shim::TemporaryFolder folder;
    gateway::Layout layout;
    gateway::MailboxId mailbox = gateway::MailboxId::generate();
    crypto::OpenKey key;
};

/// The place of the first call at or after `from` that equals `call`, or -1.
inline std::ptrdiff_t placeOf(const std::vector<std::string>& calls, const std::string& call,
                              std::ptrdiff_t from = 0) {
    for (auto i = from; i < static_cast<std::ptrdiff_t>(calls.size()); ++i) {
        if (calls[static_cast<std::size_t>(i)] == call) {
            return i;
        }
    }
    return -1;
}
