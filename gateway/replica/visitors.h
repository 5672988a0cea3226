// The twins that call this node, by the token that each shows: who it said to be, and whether it
// knew the same. In memory only.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "gateway/base/clock.h"
#include "gateway/replica/greeting.h"

namespace gateway::replica {

struct Visitor {
    explicit Visitor(Greeting said) : greeting(std::move(said)) {}
    Greeting greeting;  ///< the last one
    WallTime last;
    std::optional<WallTime> lastInStep;
    std::string problem;  ///< why the two cannot be twins
};

/// Belongs to the I/O thread. As many as there are tokens.
class Visitors {
public:
    /// `token` is the id of the one that was shown, `self` what this node answers.
    void greeted(const std::string& token, const Greeting& greeting, const Greeting& self,
                 WallTime now);
    /// This node knows something else now: who knew the same until now does so no more.
    void changed(const std::string& digest, WallTime now);
    void forget(const std::string& token) { m_byToken.erase(token); }

    const Visitor* find(const std::string& token) const;
    const std::map<std::string, Visitor>& all() const { return m_byToken; }

private:
    std::map<std::string, Visitor> m_byToken;
    std::string m_digest;
};

}  // namespace gateway::replica
