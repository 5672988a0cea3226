// A message that an admin puts into a mailbox: read from an open file, turned as SMTP in turns it,
// sealed to the mailbox's current key. Adds nothing to it, needs no password, keeps no plaintext.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "gateway/base/durable_file.h"
#include "gateway/config.h"
#include "gateway/mail/registry.h"
#include "gateway/store/message_store.h"
#include "gateway/store/receipt_log.h"

namespace gateway {

/// Why the file cannot be imported, with what to do; nothing where it can. Looks at what it is, at
/// its size, and at how it begins. Blocking.
std::optional<std::string> whyNoMessage(const Descriptor& file, std::uint64_t most);

/// One request "message.import" {address} with its file → {uidl, octets}. Blocking; one thread at a
/// time. Destroyed uncommitted it leaves nothing behind.
class MessageImport {
public:
    /// `receipts` may be null.
    MessageImport(const Config& config, MessageStore& store, ReceiptLog* receipts,
                  nlohmann::json request, Descriptor file);
    ~MessageImport();
    MessageImport(const MessageImport&) = delete;
    MessageImport& operator=(const MessageImport&) = delete;

    /// Reads and seals the whole file to the key that is current in `registry`. Throws Refusal
    /// where there is no such mailbox, no message in the file, or no room; Error.
    void seal(const Registry& registry);

    /// Makes it durable; the answer then. Nothing, and nothing stored, where the mailbox's password
    /// would not open it any more by what `present` says: seal() again then. On the thread that
    /// changes keys, so that none changes meanwhile.
    std::optional<nlohmann::json> commit(const Registry& present);

private:
    struct State;
    std::unique_ptr<State> m_state;
};

/// All of it on the thread that changes keys, for a command that holds the lock.
nlohmann::json importMessage(const Config& config, const RegistryKeeper& keeper,
                             MessageStore& store, ReceiptLog* receipts, nlohmann::json request,
                             Descriptor file);

}  // namespace gateway
