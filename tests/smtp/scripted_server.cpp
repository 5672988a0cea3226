// The loop around a Session, for tests. Never opens a socket.
#include "tests/smtp/scripted_server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "smtp/trace_headers.h"

namespace smtp::test {

namespace {

constexpr std::string_view kPeer = "192.0.2.25";
constexpr std::string_view kDefaultId = "01980000-0000-7000-8000-000000000001";

/// Sun, 22 Nov 2026 10:00:00 +0000.
gateway::WallTime now() { return gateway::WallTime(std::chrono::seconds(1795341600)); }

}  // namespace

gateway::MailboxId mailboxOf(char digit) { return mailboxNamed("mbx-" + std::string(32, digit)); }

gateway::MailboxId mailboxNamed(std::string_view text) {
    const auto mailbox = gateway::MailboxId::parse(text);
    if (!mailbox) {
        throw std::runtime_error("no mailbox: " + std::string(text));
    }
    return *mailbox;
}

gateway::MessageId messageIdOf(std::string_view text) {
    const auto id = gateway::MessageId::parse(text);
    if (!id) {
        throw std::runtime_error("no message id: " + std::string(text));
    }
    return *id;
}

Recipient ScriptedHouse::recipient(const gateway::MailboxId& mailbox) const {
    using Standing = Recipient::Standing;
    std::array<std::byte, 32> octets{};
    octets[0] = std::byte{9};
    const bool active =
        mailbox == mailboxOf('a') || mailbox == mailboxOf('b') || mailbox == mailboxOf('c');
    if (allKnown || active) {
        const auto pinned = pins.find(mailbox);
        return Recipient(crypto::SealKey::fromOctets(octets),
                         pinned == pins.end() ? nullptr : pinned->second);
    }
    return Recipient(mailbox == mailboxOf('5')   ? Standing::Suspended
                     : mailbox == mailboxOf('d') ? Standing::Deleted
                     : mailbox == mailboxOf('e') ? Standing::Unreadable
                                                 : Standing::Unknown);
}

ScriptedServer::ScriptedServer(Options options, ScriptedHouse& house)
    : m_options(std::move(options)), m_session(m_options, house, std::string(kPeer)) {}

void ScriptedServer::receive(std::string_view octets) {
    if (closed() || inHandshake()) {
        throw std::runtime_error("the client speaks although the server closed or waits for TLS");
    }
    m_input += octets;
    while (step()) {
    }
}

bool ScriptedServer::step() {
    switch (m_mode) {
        case Mode::Command:
            return readCommand();
        case Mode::Data:
            readMessage();
            return !m_input.empty();
        case Mode::Chunk:
            readChunk();
            return !m_input.empty();
        case Mode::Skip:
            skip();
            return !m_input.empty();
        case Mode::Handshake:
        case Mode::Closed:
            return false;
    }
    return false;
}

bool ScriptedServer::readCommand() {
    const std::size_t end = m_input.find('\n');
    if (end == std::string::npos) {
        return false;
    }
    std::string line = m_input.substr(0, end);
    m_input.erase(0, end + 1);
    if (line.ends_with('\r')) {
        line.pop_back();
    }
    answer(line.size() > m_options.maxCommandLine ? m_session.onLineTooLong(line)
                                                  : m_session.onCommand(line));
    return true;
}

void ScriptedServer::answer(const Reply& reply) {
    m_pending = reply;
    m_left = reply.octets;
    if (!m_session.receivesChunks()) {
        m_message.clear();
        m_freshMessage = true;
    }
    switch (reply.then) {
        case Then::ReadChunk:
            if (std::exchange(m_freshMessage, false)) {
                m_reader = DataReader(DataReader::Form::Chunks);
            }
            m_mode = Mode::Chunk;
            return readChunk();
        case Then::SkipChunk:
            m_mode = Mode::Skip;
            return skip();
        case Then::ReadData:
            m_reader = DataReader(DataReader::Form::Dots);
            m_mode = Mode::Data;
            return send(reply);
        case Then::StartTls:
            m_mode = Mode::Handshake;
            m_input.clear();
            return send(reply);
        case Then::Close:
            m_mode = Mode::Closed;
            m_input.clear();
            return send(reply);
        case Then::ReadCommand:
            m_mode = Mode::Command;
            return send(reply);
    }
}

void ScriptedServer::readMessage() {
    std::string_view input = m_input;
    const bool done = m_reader.push(input, m_message);
    m_input.erase(0, m_input.size() - input.size());
    if (done) {
        finish();
    }
}

void ScriptedServer::readChunk() {
    std::string_view input = std::string_view(m_input).substr(0, m_left);
    m_left -= input.size();
    const std::size_t taken = input.size();
    m_reader.push(input, m_message);
    m_input.erase(0, taken);
    if (m_left > 0) {
        return;
    }
    if (m_pending.last) {
        m_reader.finish(m_message);
        return finish();
    }
    if (!m_outcomes.empty() && std::holds_alternative<Refusal>(m_outcomes.front())) {
        const Refusal refusal = std::get<Refusal>(m_outcomes.front());
        m_outcomes.pop_front();
        return answer(m_session.onRefused(refusal));
    }
    answer(m_session.onChunk(m_pending.octets));
}

void ScriptedServer::skip() {
    const std::size_t taken = std::min<std::uint64_t>(m_left, m_input.size());
    m_input.erase(0, taken);
    m_left -= taken;
    if (m_left == 0) {
        m_mode = Mode::Command;
        send(m_pending);
    }
}

void ScriptedServer::finish() {
    Outcome outcome = messageIdOf(kDefaultId);
    if (!m_outcomes.empty()) {
        outcome = m_outcomes.front();
        m_outcomes.pop_front();
    }
    if (m_reader.size() > m_options.maxMessageSize) {
        outcome = Refusal::TooLarge;
    }
    OuterHeader header;
    header.push(m_message);
    header.finish();
    if (m_session.refusesContent(header)) {
        outcome = Refusal::NotAllowed;
    }
    if (const auto* const refusal = std::get_if<Refusal>(&outcome)) {
        return answer(m_session.onRefused(*refusal));
    }
    const auto& id = std::get<gateway::MessageId>(outcome);
    m_stored = Stored();
    m_stored->message = m_message;
    for (const Envelope::To& to : m_session.envelope().to) {
        m_stored->traceHeaders.push_back(
            traceHeaders(m_session, m_options, std::string(kPeer), to, id, now()));
    }
    answer(m_session.onStored(id));
}

void ScriptedServer::onTls(TlsInfo tls) {
    if (m_mode == Mode::Handshake) {
        m_mode = Mode::Command;
    }
    m_session.onTls(std::move(tls));
}

void ScriptedServer::send(const Reply& reply) { m_output += reply.wire(); }

std::optional<std::string> ScriptedServer::takeLine() {
    const std::size_t end = m_output.find("\r\n");
    if (end == std::string::npos) {
        return std::nullopt;
    }
    std::string line = m_output.substr(0, end);
    m_output.erase(0, end + 2);
    return line;
}

}  // namespace smtp::test
