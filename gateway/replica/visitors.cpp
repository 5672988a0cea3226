#include "gateway/replica/visitors.h"

namespace gateway::replica {

void Visitors::greeted(const std::string& token, const Greeting& greeting, const Greeting& self,
                       WallTime now) {
    Visitor& visitor = m_byToken.try_emplace(token, greeting).first->second;
    visitor.greeting = greeting;
    visitor.last = now;
    visitor.problem = whyNoTwins(self, greeting);
    if (greeting.digest == self.digest) {
        visitor.lastInStep = now;
    }
}

void Visitors::changed(const std::string& digest, WallTime now) {
    for (auto& [token, visitor] : m_byToken) {
        if (!m_digest.empty() && visitor.greeting.digest == m_digest && digest != m_digest) {
            visitor.lastInStep = now;
        }
    }
    m_digest = digest;
}

const Visitor* Visitors::find(const std::string& token) const {
    const auto found = m_byToken.find(token);
    return found == m_byToken.end() ? nullptr : &found->second;
}

}  // namespace gateway::replica
