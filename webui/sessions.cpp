#include "webui/sessions.h"

#include <algorithm>
#include <vector>

#include "webui/opaque_token.h"

namespace webui {

namespace {

constexpr std::size_t kIdOctets = 32;
constexpr std::size_t kMost = 1000;

}  // namespace

bool Sessions::isOver(const Session& session, Time now) const {
    return now >= session.ends || now - session.lastUsed >= m_limits.idle;
}

/// Who gets here knows a password: he costs himself his own oldest session, strangers none.
void Sessions::makeRoom(const std::string& name, Time now) {
    std::erase_if(m_sessions, [&](const auto& entry) { return isOver(entry.second, now); });
    const auto isOlder = [](const auto& left, const auto& right) {
        return left->second.lastUsed < right->second.lastUsed;
    };
    std::vector<decltype(m_sessions)::iterator> own;
    for (auto at = m_sessions.begin(); at != m_sessions.end(); ++at) {
        if (at->second.name == name || m_sessions.size() >= kMost) {
            own.push_back(at);
        }
    }
    if (own.size() >= kMostOfOne || m_sessions.size() >= kMost) {
        m_sessions.erase(*std::min_element(own.begin(), own.end(), isOlder));
    }
}

Sessions::Opened Sessions::open(const std::string& name, const std::string& credential, Time now) {
    makeRoom(name, now);
    Opened opened{randomHex(kIdOctets), randomHex(kIdOctets)};
    m_sessions[digestOf(opened.id)] = {name,
                                       credential,
                                       opened.csrf,
                                       now + m_limits.length,
                                       std::chrono::system_clock::now() + m_limits.length,
                                       now};
    return opened;
}

const Sessions::Session* Sessions::find(const std::string& digest, Time now) {
    const auto found = m_sessions.find(digest);
    if (found == m_sessions.end()) {
        return nullptr;
    }
    if (isOver(found->second, now)) {
        m_sessions.erase(found);
        return nullptr;
    }
    return &found->second;
}

void Sessions::touch(const std::string& digest, Time now) {
    const auto found = m_sessions.find(digest);
    if (found != m_sessions.end()) {
        found->second.lastUsed = now;
    }
}

std::optional<std::string> Sessions::renew(const std::string& digest, const std::string& credential,
                                           Time now) {
    const auto found = m_sessions.find(digest);
    if (found == m_sessions.end() || isOver(found->second, now)) {
        return std::nullopt;
    }
    Session session = std::move(found->second);
    m_sessions.erase(found);
    session.credential = credential;
    session.lastUsed = now;
    std::string id = randomHex(kIdOctets);
    m_sessions[digestOf(id)] = std::move(session);
    return id;
}

bool Sessions::close(const std::string& digest) { return m_sessions.erase(digest) > 0; }

}  // namespace webui
