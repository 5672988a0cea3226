// Tells the twins that listen when what this node knows, or what waits here, has changed
// (server-sent events, WHATWG HTML 9.2): digest and mark, and that there are other ACME challenges
// to answer, nothing more. Never queues: who is slow hears the newest only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include <asio/any_io_executor.hpp>

#include "gateway/net/http_stream.h"

namespace gateway::replica {

/// Belongs to the I/O thread. Streams may outlive it; they end then.
class Feed {
public:
    static constexpr std::size_t kMostStreams = 64;
    /// One that is silent for longer is broken.
    static constexpr std::chrono::seconds kQuiet{15};

    explicit Feed(asio::any_io_executor io, std::chrono::milliseconds quiet = kQuiet);
    ~Feed();
    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;

    /// The digest is this from now on.
    void tell(const std::string& digest);
    /// This node's challenges are those of that number from now on (ChallengeOffer).
    void tellChallenges(std::uint64_t sequence);
    /// The mark of what waits is this from now on.
    void tellWaiting(const std::string& mark);

    /// A stream for whoever holds the token `who`, as long as it counts. An earlier one of the same
    /// ends: its twin has come back by another way. Null where there are too many.
    std::shared_ptr<const net::HttpStream> open(std::string who, std::function<bool()> stillCounts);

    bool listens(const std::string& who) const;
    /// Who listens, each once.
    std::set<std::string> listeners() const;

private:
    struct State;
    struct Stream;
    void wake();
    static asio::awaitable<void> serve(std::shared_ptr<Stream> stream, net::HttpBody& body);

    const std::shared_ptr<State> m_state;
};

}  // namespace gateway::replica
