// What commands and the page ask for, as one request object in and one answer object out. The same
// code serves the control socket of a running server and a command that holds the data directory's
// lock itself. Never opens a message, never keeps a password.
#pragma once

#include <nlohmann/json.hpp>

#include "gateway/config.h"
#include "gateway/mail/registry.h"
#include "gateway/store/message_store.h"
#include "gateway/store/receipt_log.h"
#include "gateway/watch/mailbox_times.h"

namespace gateway {

/// Blocking; one thread at a time (the server gives it a lane of its own on the workers).
class Operations {
public:
    /// `receipts` tell what becomes of messages; null where there are none.
    Operations(const Config& config, RegistryKeeper& keeper, MessageStore& store,
               ReceiptLog* receipts = nullptr);

    /// `request` = {"operation": "mailbox.create", …}. The answer is {"ok": true, …} or
    /// {"ok": false, "error": "a sentence", "exit": 64…78, "code": as Refusal's}. Never throws; an
    /// Error becomes an answer. Secrets in the request are wiped.
    ///
    /// mailbox.create    name, description?, address?, password?, suspended? → address, email,
    ///                   password (where it was made here), name, description, status, host, ports
    /// mailbox.check_new as mailbox.create, but makes nothing → exists; where it does, also what
    ///                   mailbox.create gives. Refuses what that would refuse, and an address that
    ///                   exists with another password than the one given
    /// mailbox.list      → mailboxes: an array of what mailbox.show gives, without keys and ports
    /// mailbox.show      address → mailbox: address, email, name, description, status, created,
    ///                   waiting {messages, octets, oldest}, locked, last_received, last_fetched,
    ///                   host, ports {smtp, smtps, pop3, pop3s}, keys [{recipient, epoch,
    ///                   created, node}], the last is in use, alerts (its own limits, as stated),
    ///                   allow (as stated), senders (the same
    ///                   in words), version (another one after each change), replaced_passwords
    ///                   [{recipient, text}], held_back (statements)
    /// mailbox.edit      address, name?, description?, allow? (a table by the names of
    ///                   Allow::parse; null takes a pin away), alerts? ({silence?, unfetched?}: a
    ///                   length of time, or null for the one of postern.toml), acknowledge? (what
    ///                   replaced_passwords tells was seen), version? (only where it is that one)
    ///                   → as mailbox.show
    /// mailbox.suspend, mailbox.activate   address → as mailbox.show
    /// mailbox.delete    address, discard_messages? → as mailbox.show; refused while messages wait,
    ///                   unless they are to be discarded. mailbox.activate undoes it
    ///
    /// Each of these gives what mailbox.create gives, with `keys_chained`, the number of older keys
    /// that the present password opens from now on besides its own:
    /// mailbox.change_password   address, password (the present one); the answer's is the new one
    /// mailbox.reset_password    address → a new password, which opens nothing that waits
    /// mailbox.unlock_earlier    address, earlier_password, password (the present one); no password
    ///                           in the answer
    /// mailbox.recover           address, identity (of the recovery key) → a new password
    ///
    /// message.restore   address, uidls → messages: an array of {uidl, state, locked}: "restored",
    ///                   "waiting" (it was there) or "unknown" (never here, or purged); locked says
    ///                   that it needs an earlier password
    ///
    /// status            answered by the server only: status.h
    /// admin.…           web accounts and API tokens: operations_admin.h
    /// certificate.…     operations_certificate.h
    /// drain.…           operations_drain.h
    /// twin.…            operations_twin.h
    /// backup.export     with_admins? → text, mailboxes (how many), unreadable (addresses that are
    ///                   not in it)
    /// backup.import     text, dry_run?, trust?, domain_differs?, with_admins? → mailboxes, domain,
    ///                   hostname, at (of the backup), changes [{address, name, new, added,
    ///                   held_back, changes (sentences)}], trusted, distrusted (nodes, in words),
    ///                   admins (what was added, in words), holds_admins
    ///
    /// `times` are those that the answer shall tell.
    nlohmann::json perform(nlohmann::json request, MailboxTimes times = {}) noexcept;

    /// Whether a request takes a key out of use: its answer must wait until nothing can be stored
    /// under that key any more (SPEC section 4, "Reset").
    static bool replacesKey(const nlohmann::json& request);

private:
    nlohmann::json dispatch(nlohmann::json& request);
    nlohmann::json create(nlohmann::json& request);
    nlohmann::json checkNew(nlohmann::json& request);
    nlohmann::json list(nlohmann::json& request);
    nlohmann::json show(nlohmann::json& request);
    nlohmann::json edit(nlohmann::json& request);
    nlohmann::json suspend(nlohmann::json& request);
    nlohmann::json activate(nlohmann::json& request);
    nlohmann::json remove(nlohmann::json& request);
    nlohmann::json changePassword(nlohmann::json& request);
    nlohmann::json resetPassword(nlohmann::json& request);
    nlohmann::json unlockEarlier(nlohmann::json& request);
    nlohmann::json recover(nlohmann::json& request);
    nlohmann::json exportBackup(nlohmann::json& request);
    nlohmann::json importBackup(nlohmann::json& request);
    nlohmann::json restore(nlohmann::json& request);
    /// A new key pair under a new password, which opens `older` too.
    nlohmann::json replaceKey(const Mailbox& mailbox, const OpenKeys& older, const char* event);

    /// Whether nobody has used this node yet.
    bool isNew() const;
    std::shared_ptr<const Mailbox> find(const nlohmann::json& request) const;
    nlohmann::json setStatus(const nlohmann::json& request, MailboxStatus status);
    /// Returns how many.
    std::size_t discardMessages(const Mailbox& mailbox);
    /// What to enter in senders and archivers.
    nlohmann::json connection(const Mailbox& mailbox) const;
    /// What mailbox.list says of one.
    nlohmann::json summary(const Mailbox& mailbox) const;
    nlohmann::json details(const Mailbox& mailbox) const;
    /// Where senders and archivers connect: the first listener of each kind.
    nlohmann::json ports() const;

    const Config& m_config;
    RegistryKeeper& m_keeper;
    MessageStore& m_store;
    ReceiptLog* m_receipts;
    MailboxTimes m_times;  ///< of the request that is being carried out
};

}  // namespace gateway
