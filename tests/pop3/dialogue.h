// A dialogue between a client and the gateway as text, and the player that replays it against
// whatever implements Gateway. tests/dialogues/pop3/README.md describes the form.
// Never knows whether the gateway is a session in memory or a process behind TLS.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pop3::test {

/// What a dialogue is replayed against: the world it asks for, and a connection as the client has
/// it.
class Gateway {
public:
    virtual ~Gateway() = default;

    virtual void addMailbox(const std::string& address, const std::string& password) = 0;
    /// Into the mailbox added last; `content` is the stored form.
    virtual void addMessage(const std::string& id, const std::string& content) = 0;
    virtual void damageMessage(const std::string& id) = 0;
    /// Its file cannot be read for now.
    virtual void failReads(const std::string& id) = 0;
    virtual std::vector<std::string> waiting() const = 0;
    /// Another client has the mailbox open, or no longer.
    virtual void occupy(bool occupied) = 0;
    virtual void failUnlocks(const std::string& how) = 0;
    virtual void failRemovals() = 0;

    virtual void connect(bool underTls) = 0;
    virtual void startTls() = 0;
    virtual void send(std::string_view octets) = 0;
    /// Without CRLF; nothing where none will come.
    virtual std::optional<std::string> receiveLine() = 0;
    /// What has arrived and was not yet taken.
    virtual std::string unread() const = 0;
    virtual bool isClosed() const = 0;
    /// The client is gone without a word.
    virtual void drop() = 0;
};

struct Step {
    enum class Kind { Client, ServerBegins, ServerIs, World };
    std::string where;  ///< "file:line"
    Kind kind = Kind::World;
    std::string text;  ///< what is said, without CRLF; the words of a directive
    std::string body;  ///< of a message: its stored form
};

/// Throws gateway::Error where the file is not well formed.
std::vector<Step> readDialogue(const std::filesystem::path& file);

/// The first thing that was not as written, "file:line: want … got …"; nothing where all was.
std::optional<std::string> play(const std::vector<Step>& steps, Gateway& gateway);

}  // namespace pop3::test
