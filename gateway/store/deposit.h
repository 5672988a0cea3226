// One message on its way into one or more mailboxes: sealed to each, all or none.
// Holds at most a chunk of plaintext beyond the call, once for all mailboxes, and wipes it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gateway/store/message_store.h"
#include "gateway/store/receipt_log.h"

namespace gateway {

/// Blocking, for workers; one thread at a time.
class Deposit {
public:
    struct Copy {
        Copy(Drop target, std::string traceHeaders)
            : drop(std::move(target)), prefix(std::move(traceHeaders)) {}
        Drop drop;
        std::string prefix;  ///< what this mailbox's copy begins with: its trace headers
    };

    /// `receipts` is where writeReceipts() writes; null where there are none.
    Deposit(MessageStore& store, MessageId id, std::vector<Copy> copies,
            ReceiptLog* receipts = nullptr);
    ~Deposit();
    Deposit(Deposit&&) noexcept;
    Deposit& operator=(Deposit&&) = delete;
    Deposit(const Deposit&) = delete;
    Deposit& operator=(const Deposit&) = delete;

    /// The next octets of the message, the same for every mailbox.
    void append(std::span<const std::byte> plaintext);
    /// Returns when every copy is durable; where one fails the others are withdrawn and it throws.
    void commit();
    /// Takes back, as far as possible, what was committed: nobody is to have it after all.
    void withdraw() noexcept;
    /// Writes the receipt of each copy: once, after commit(), before anybody hears that it is
    /// stored. One that cannot be written is logged, for the message is stored all the same.
    void writeReceipts(const ReceiptLog::Origin& origin) noexcept;
    const MessageId& id() const;

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}  // namespace gateway
