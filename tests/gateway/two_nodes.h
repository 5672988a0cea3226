// Two nodes that share one mailbox by copying config/ from one to the other: real data directories,
// real messages, the clock injected, restarts by a new keeper on the same files.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/config.h"
#include "gateway/operations.h"
#include "gateway/store/directory_store.h"
#include "tests/base/temporary_folder.h"

namespace two_nodes {

/// What was delivered on a node.
struct Waiting {
    gateway::Drop drop;
    gateway::MessageId id;
    std::string text;
};

/// A node: server or command line, as its tests need them.
class Gateway {
public:
    /// `idDigit` makes its id; `passwords` by recipient are what the owner of the mailbox has noted
    /// on paper.
    Gateway(const std::string& name, char idDigit, std::map<std::string, std::string>& passwords);

    /// As a newly started process has it.
    void restart();
    /// Somebody wrote into config/: a server sees it at once, and again when it has settled.
    void look();
    void trust(const Gateway& other);

    nlohmann::json ask(const std::string& operation, nlohmann::json request);
    std::shared_ptr<const gateway::Mailbox> mailbox() const;
    void create();
    void changePassword();
    void resetPassword();
    void setStatus(gateway::MailboxStatus status);
    /// What `backup export` writes, and `backup import` reads.
    std::string exported() const;
    void import(const std::string& backup, bool trustAll);
    /// The mailbox's present password, as noted.
    const std::string& password() const;

    /// Where mail is taken: one message.
    void deliver();
    const std::vector<Waiting>& waiting() const { return m_waiting; }

    const gateway::Layout& layout() const { return m_layout; }

private:
    void note(const crypto::SealKey& recipient, const std::string& password);
    std::string newPassword();

    std::map<std::string, std::string>& m_passwords;
    shim::TemporaryFolder m_folder;
    gateway::Layout m_layout;
    std::string m_name;
    gateway::Config m_config;
    gateway::WallTime m_now = std::chrono::system_clock::now();
    gateway::DirectoryStore m_store;
    std::unique_ptr<gateway::RegistryKeeper> m_keeper;
    std::unique_ptr<gateway::Operations> m_operations;
    std::vector<Waiting> m_waiting;
};

const gateway::MailboxId& address();

/// How config/ is copied by hand.
enum class Copying {
    Over,   ///< each file over the one of its name: `cp -a`, also an older over a newer one
    Mirror  ///< what the other has not is removed: `rsync -a --delete`, a restored folder
};
void copyConfig(const std::filesystem::path& from, const gateway::Layout& to, Copying how);

/// The whole state in words, to compare.
std::string textOf(const gateway::Mailbox& mailbox);

/// Unlocks with the passwords noted whatever is locked on the node, and reads all that was
/// delivered there; doctest checks.
void expectAllOpens(Gateway& gateway, const std::map<std::string, std::string>& passwords);

}  // namespace two_nodes
