// The gateway of a dialogue in memory: a pop3::Session, and the least world that does what its
// replies ask for. No socket, no key, no file.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pop3/session.h"
#include "tests/pop3/dialogue.h"

namespace pop3::test {

class MemoryGateway : public Gateway {
public:
    MemoryGateway();

    void addMailbox(const std::string& address, const std::string& password) override;
    void addMessage(const std::string& id, const std::string& content) override;
    void damageMessage(const std::string& id) override;
    void failReads(const std::string& id) override;
    std::vector<std::string> waiting() const override;
    void occupy(bool occupied) override { m_occupied = occupied; }
    void failUnlocks(const std::string& how) override { m_unlockFails = how; }
    void failRemovals() override { m_removalFails = true; }

    void connect(bool underTls) override;
    void startTls() override;
    void send(std::string_view octets) override;
    std::optional<std::string> receiveLine() override;
    std::string unread() const override { return m_received; }
    bool isClosed() const override { return m_closed; }
    void drop() override;

private:
    struct Stored {
        std::string content;
        std::optional<MessageRefusal> refusal;  ///< where it cannot be fetched
    };
    struct Mailbox {
        std::string password;
        std::map<std::string, Stored> messages;  ///< by id, so in order of arrival
    };

    void onLine(std::string_view line);
    void carryOut(Reply reply);
    Reply unlock();
    void sendMessage();
    void remove();
    Stored& stored(const std::string& id);

    Options m_options;
    std::map<std::string, Mailbox> m_mailboxes;
    std::string m_newest;  ///< the mailbox added last
    bool m_occupied = false;
    std::string m_unlockFails;
    bool m_removalFails = false;

    std::unique_ptr<Session> m_session;
    std::string m_sent;      ///< by the client, not yet a whole line
    std::string m_received;  ///< by the client, not yet read
    bool m_awaitsHandshake = false;
    bool m_closed = true;
    std::string m_opened;  ///< the mailbox of this session
    std::vector<std::string> m_ids;
};

}  // namespace pop3::test
