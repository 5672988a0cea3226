// A stored message as RETR and TOP send it, made piece by piece: opened, dots stuffed, ended.
// Never gives out an octet that was not proven. For workers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pop3/dot_writer.h"
#include "pop3/unlocked_mailbox.h"

namespace pop3 {

class WireMessage {
public:
    /// `lines` as for DotWriter. Throws Error where the message is gone or cannot be read.
    WireMessage(gateway::MessageStore& store, const gateway::Drop& drop,
                const gateway::MessageId& id, const crypto::OpenKey& key,
                std::optional<std::uint64_t> lines)
        : m_reader(store, drop, id, key), m_writer(lines) {}

    /// Appends the next piece; false with the last. Throws Error(Corrupt) where a chunk is not what
    /// was sealed.
    bool next(std::string& wire);

private:
    MessageReader m_reader;
    DotWriter m_writer;
    std::string m_plaintext;
};

}  // namespace pop3
