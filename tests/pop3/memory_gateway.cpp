#include "tests/pop3/memory_gateway.h"

#include "gateway/base/error.h"
#include "pop3/dot_writer.h"

namespace pop3::test {

MemoryGateway::MemoryGateway() {
    m_options.hostname = "msgw1.example.com";
    m_options.domain = "msgw.example.com";
}

void MemoryGateway::addMailbox(const std::string& address, const std::string& password) {
    m_mailboxes[address].password = password;
    m_newest = address;
}

void MemoryGateway::addMessage(const std::string& id, const std::string& content) {
    m_mailboxes.at(m_newest).messages[id].content = content;
}

void MemoryGateway::damageMessage(const std::string& id) {
    stored(id).refusal = MessageRefusal::Damaged;
}

void MemoryGateway::failReads(const std::string& id) {
    stored(id).refusal = MessageRefusal::Trouble;
}

std::vector<std::string> MemoryGateway::waiting() const {
    std::vector<std::string> ids;
    for (const auto& [id, message] : m_mailboxes.at(m_newest).messages) {
        ids.push_back(id);
    }
    return ids;
}

void MemoryGateway::connect(bool underTls) {
    drop();
    m_session = std::make_unique<Session>(m_options);
    m_closed = false;
    if (underTls) {
        m_session->onTls();
    }
    carryOut(m_session->greet());
}

void MemoryGateway::startTls() {
    if (!m_awaitsHandshake) {
        throw gateway::Error(gateway::Error::Kind::Network, "the session awaits no handshake");
    }
    m_awaitsHandshake = false;
    m_session->onTls();
}

void MemoryGateway::send(std::string_view octets) {
    m_sent += octets;
    std::size_t end = 0;
    while (!m_closed && !m_awaitsHandshake && (end = m_sent.find("\r\n")) != std::string::npos) {
        const std::string line = m_sent.substr(0, end);
        m_sent.erase(0, end + 2);
        onLine(line);
    }
    if (m_awaitsHandshake) {
        m_sent.clear();  // RFC 2595 section 4: nothing said before the handshake counts
    }
}

std::optional<std::string> MemoryGateway::receiveLine() {
    const std::size_t end = m_received.find("\r\n");
    if (end == std::string::npos) {
        return std::nullopt;
    }
    std::string line = m_received.substr(0, end);
    m_received.erase(0, end + 2);
    return line;
}

void MemoryGateway::drop() {
    m_session.reset();
    m_sent.clear();
    m_received.clear();
    m_awaitsHandshake = false;
    m_closed = true;
}

void MemoryGateway::onLine(std::string_view line) {
    carryOut(line.size() > m_options.maxCommandLine ? m_session->onLineTooLong()
                                                    : m_session->onCommand(line));
}

void MemoryGateway::carryOut(Reply reply) {
    m_received += reply.text;
    switch (reply.then) {
        case Then::ReadCommand:
            break;
        case Then::StartTls:
            m_awaitsHandshake = true;
            break;
        case Then::Unlock:
            carryOut(unlock());
            break;
        case Then::SendListing:
            while (m_session->nextListing(m_received)) {
            }
            break;
        case Then::SendMessage:
            sendMessage();
            break;
        case Then::Remove:
            remove();
            break;
        case Then::Close:
            m_closed = true;
            break;
    }
}

Reply MemoryGateway::unlock() {
    const Login login = m_session->takeLogin();
    const auto mailbox = login.mailbox ? m_mailboxes.find(login.mailbox->str()) : m_mailboxes.end();
    if (mailbox == m_mailboxes.end() || login.password.view() != mailbox->second.password) {
        return m_session->onLoginRefused(LoginRefusal::WrongPassword);
    }
    if (!m_unlockFails.empty()) {
        return m_session->onLoginRefused(m_unlockFails == "broken" ? LoginRefusal::Broken
                                                                   : LoginRefusal::Trouble);
    }
    if (m_occupied) {
        return m_session->onLoginRefused(LoginRefusal::InUse);
    }
    m_opened = mailbox->first;
    m_ids.clear();
    std::vector<Entry> entries;
    for (const auto& [id, message] : mailbox->second.messages) {
        entries.emplace_back(gateway::MessageId::parse(id).value(), message.content.size());
        m_ids.push_back(id);
    }
    return m_session->onUnlocked(std::move(entries));
}

void MemoryGateway::sendMessage() {
    const Requested requested = m_session->requested();
    const Stored& message = stored(m_ids.at(requested.index));
    if (message.refusal) {
        carryOut(m_session->onMessageRefused(*message.refusal));
        return;
    }
    carryOut(m_session->onMessageOpened());
    DotWriter writer(requested.lines);
    std::string_view rest = message.content;
    while (!rest.empty() && writer.push(rest.substr(0, 5), m_received)) {
        rest.remove_prefix(std::min<std::size_t>(5, rest.size()));
    }
    writer.finish(m_received);
}

void MemoryGateway::remove() {
    if (m_removalFails) {
        carryOut(m_session->onRemoveFailed());
        return;
    }
    for (const std::size_t index : m_session->marked()) {
        m_mailboxes.at(m_opened).messages.erase(m_ids.at(index));
    }
    carryOut(m_session->onRemoved());
}

MemoryGateway::Stored& MemoryGateway::stored(const std::string& id) {
    return m_mailboxes.at(m_newest).messages.at(id);
}

}  // namespace pop3::test
