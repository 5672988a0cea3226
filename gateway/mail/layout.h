// Every path the program makes is built here, from types that cannot hold a `/` or a `..`.
#pragma once

#include <filesystem>
#include <string>

#include "gateway/mail/drop.h"
#include "gateway/mail/mailbox_id.h"
#include "gateway/mail/message_id.h"
#include "gateway/mail/node_id.h"

namespace gateway {

/// The data directory, as in postern-formats(5).
class Layout {
public:
    explicit Layout(std::filesystem::path data) : m_data(std::move(data)) {}

    const std::filesystem::path& data() const { return m_data; }
    std::filesystem::path lock() const { return m_data / "lock"; }
    std::filesystem::path controlSocket() const { return m_data / "control.sock"; }
    std::filesystem::path twins() const { return config() / "twins.toml"; }
    std::filesystem::path setupLink() const { return m_data / "setup-link"; }

    std::filesystem::path config() const { return m_data / "config"; }
    std::filesystem::path admins() const { return config() / "admins.toml"; }
    std::filesystem::path records() const { return config() / "mailboxes"; }
    std::filesystem::path record(const MailboxId& mailbox) const {
        return records() / mailbox.str();
    }
    std::filesystem::path recordFile(const MailboxId& mailbox, const NodeId& node) const {
        return record(mailbox) / (node.str() + ".toml");
    }

    std::filesystem::path node() const { return m_data / "node"; }
    std::filesystem::path nodeFile() const { return node() / "node.toml"; }
    std::filesystem::path trustFile() const { return node() / "trust.toml"; }
    std::filesystem::path drainFile() const { return node() / "drain.toml"; }
    /// What this node shows a twin that it calls; beside its key, for it is as secret.
    std::filesystem::path twinTokens() const { return node() / "twins"; }
    std::filesystem::path twinToken(const NodeId& twin) const {
        return twinTokens() / (twin.str() + ".token");
    }
    std::filesystem::path knownRecords() const { return node() / "mailboxes"; }
    std::filesystem::path knownRecordFile(const MailboxId& mailbox, const NodeId& node) const {
        return knownRecords() / mailbox.str() / (node.str() + ".toml");
    }

    std::filesystem::path mailboxes() const { return m_data / "mailboxes"; }
    std::filesystem::path mailbox(const MailboxId& mailbox) const {
        return mailboxes() / mailbox.str();
    }
    std::filesystem::path drop(const Drop& drop) const {
        return mailbox(drop.mailbox) / drop.recipient.str();
    }
    std::filesystem::path message(const Drop& drop, const MessageId& id) const {
        return this->drop(drop) / id.str();
    }
    std::filesystem::path deleted(const Drop& drop) const { return this->drop(drop) / "deleted"; }
    std::filesystem::path deletedMessage(const Drop& drop, const MessageId& id) const {
        return deleted(drop) / id.str();
    }

    std::filesystem::path tls() const { return m_data / "tls"; }
    std::filesystem::path selfSignedCertificate() const { return tls() / "self-signed.crt"; }
    std::filesystem::path selfSignedKey() const { return tls() / "self-signed.key"; }
    std::filesystem::path importedPair() const { return tls() / "imported.pem"; }
    std::filesystem::path acme() const { return m_data / "acme"; }
    std::filesystem::path issuedPair() const { return acme() / "certificate.pem"; }
    std::filesystem::path state() const { return m_data / "state"; }

    std::filesystem::path receipts() const { return m_data / "receipts"; }
    std::filesystem::path receipts(const MailboxId& mailbox) const {
        return receipts() / mailbox.str();
    }

private:
    std::filesystem::path m_data;
};

}  // namespace gateway
